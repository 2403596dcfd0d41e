/**
 * People as STS names them: who counts as one person, how they are called in a sentence, and whether the plan lets them order. Pure.
 */

interface Principal {
  readonly account: string;
  /** "user", "assumed-role", "federated-user" or "root". */
  readonly kind: string;
  /** The user's or role's name, without its path. */
  readonly name: string;
  /** Of a role; null otherwise. */
  readonly session: string | null;
}

function read(arn: string): Principal {
  const [, , , , account = "", ...rest] = arn.split(":");
  const [kind = "", ...names] = rest.join(":").split("/");
  const session = kind === "assumed-role" ? (names[1] ?? "") : null;
  return { account, kind, name: (kind === "assumed-role" ? names[0] : names.at(-1)) ?? "", session };
}

/** IAM Identity Center names the sessions of its roles after the person, and nobody can choose another name. */
const isSingleSignOn = (role: string): boolean => role.startsWith("AWSReservedSSO_");

/**
 * Two ARNs that give the same are one person. A session's name is chosen by whoever assumes the role, so all sessions of a role are
 * one, except where Identity Center names them.
 */
export function personOf(arn: string): string {
  const { account, kind, name, session } = read(arn);
  if (kind === "assumed-role") return `${account}/${name}${isSingleSignOn(name) ? `/${session}` : ""}`;
  // The name of a federated user is chosen too.
  return kind === "federated-user" ? `${account}/federated-user` : `${account}/${kind}/${name}`;
}

/** "alice", "operators/alice", "root". */
export function calledAs(arn: string): string {
  const { kind, name, session } = read(arn);
  return session !== null ? `${name}/${session}` : name || kind;
}

/**
 * Whether the plan lets them order and approve. An entry is a user's ARN, a role's ARN (any of its sessions), or one session's. Without
 * entries everybody of the account may who may invoke the function.
 */
export function mayOrder(arn: string, account: string, from: readonly string[] | undefined): boolean {
  const who = read(arn);
  if (!from) return who.account === account;
  return from.some((entry) => {
    if (entry === arn) return true;
    const named = read(entry);
    return who.session !== null && named.kind === "role" && named.account === who.account && named.name === who.name;
  });
}
