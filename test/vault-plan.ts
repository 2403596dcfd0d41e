/** The tests' plan with a vault: another account, and copies under a key that can be shared with it. */
export const VAULT = "222233334444";
export const VAULT_ROLE = `arn:aws:iam::${VAULT}:role/understudy-vault`;
export const PLACE = `eu-west-1 in the vault ${VAULT}`;

export const withVault = (text: string): string =>
  `${text.replace("copyTo: eu-west-1", "copyTo: eu-west-1\n    kmsKeyId: alias/copies\n    vault: true")}
vault:
  account: "${VAULT}"
  region: eu-west-1
  role: ${VAULT_ROLE}
  externalId: corner-shop-vault
  kmsKeyId: arn:aws:kms:eu-west-1:${VAULT}:alias/understudy-vault
`;

/** What a person orders: the newest backup, wherever it is, beside the original. */
export const RESTORE = {
  database: "shop",
  order: "k3v9x2m4p7q1",
  generation: 1,
  name: "shop-restored-20261121t090000",
  by: "alice",
  reason: "a look",
  from: null,
  at: null,
  region: null,
  request: null,
  again: false,
} as const;
