/**
 * The way to the deployed `order` function: finds it by the plan, signs what is ordered with the caller's own AWS credentials, brings the
 * answer back. Reads credentials, profile and endpoint as every AWS tool does.
 */
import { createHash, randomBytes } from "node:crypto";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { audienceOf, IDENTITY_BODY, IDENTITY_TYPE, type OperatorOrder, ORDER_HEADER, type Proof, signedText } from "../../core/order.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { readOperatorOrder } from "../../events/operator.ts";
import type { ListAnswer, OrderAnswer } from "../../runbooks/answers.ts";

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface DoorOptions {
  /** Instead of what the environment gives. */
  readonly credentials?: Key;
  readonly endpoint?: string;
}

/** The answer a refused event gets. */
interface Refused {
  readonly error: { readonly message: string; readonly hint: string };
}

export class Door {
  private readonly plan: Plan;
  private readonly region: string;
  private readonly options: DoorOptions;
  private me: { arn: string; account: string; url: URL } | undefined;

  constructor(plan: Plan, options: DoorOptions = {}) {
    this.plan = plan;
    this.region = plan.regions.recovery;
    this.options = options;
  }

  /** Who STS says we are, and where it was asked: the same place the function will ask. */
  async whoAmI(): Promise<{ arn: string; account: string; url: URL }> {
    if (this.me) return this.me;
    const sts = new STSClient({ region: this.region, ...this.options });
    let url = new URL("https://unknown.invalid");
    sts.middlewareStack.add(
      (next) => async (args) => {
        const { protocol, hostname, port } = args.request as { protocol: string; hostname: string; port?: number };
        url = new URL(`${protocol}//${hostname}${port ? `:${port}` : ""}`);
        return await next(args);
      },
      { step: "finalizeRequest", name: "whereItGoes" },
    );
    const { Arn = "", Account = "" } = await sts.send(new GetCallerIdentityCommand({}));
    this.me = { arn: Arn, account: Account, url };
    return this.me;
  }

  /** Signs the order and sends it. It is not sent again by itself: an order counts once. */
  async order(said: object): Promise<OrderAnswer> {
    const order = readOperatorOrder({ id: newId(), ...said });
    return (await this.invoke("order", { ...order, proof: await this.prove(order) })) as OrderAnswer;
  }

  async requests(database: string | null): Promise<ListAnswer> {
    return (await this.invoke("order", { verb: "requests", database })) as ListAnswer;
  }

  async invoke(name: string, payload: unknown): Promise<unknown> {
    const FunctionName = `understudy-${this.plan.name}-${name}`;
    const lambda = new LambdaClient({ region: this.region, maxAttempts: 1, ...this.options });
    const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(payload)) }));
    const text = Buffer.from(answer.Payload ?? []).toString("utf8");
    if (answer.FunctionError) throw new Error(`${FunctionName} failed: ${text}`);
    const said = JSON.parse(text) as Refused | object;
    if ("error" in said) throw new Error(`${said.error.message} ${said.error.hint}`);
    return said;
  }

  /** A signature of sts:GetCallerIdentity that covers the order: it says who we are and can say nothing else. */
  async prove(order: OperatorOrder): Promise<Proof> {
    const { account, url } = await this.whoAmI();
    const text = signedText(audienceOf(account, this.region, this.plan.name), order);
    const sts = new STSClient({ region: this.region, ...this.options });
    const signer = await sts.config.signer({ name: "sigv4", signingName: "sts", signingRegion: this.region, properties: {} });
    const signed = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      path: "/",
      query: {},
      headers: {
        host: url.host,
        "content-type": IDENTITY_TYPE,
        [ORDER_HEADER]: createHash("sha256").update(text).digest("hex"),
      },
      body: IDENTITY_BODY,
    } as never);
    const { authorization = "", "x-amz-date": date = "", "x-amz-security-token": token } = signed.headers;
    const [, credential = ""] = /Credential=([^,\s]+)/.exec(authorization) ?? [];
    const [, signature = ""] = /Signature=(\w+)/.exec(authorization) ?? [];
    return { credential, date, signature, token: token ?? null };
  }
}

/** Small letters and digits, some 80 bits of chance. */
const newId = (): string =>
  BigInt(`0x${randomBytes(10).toString("hex")}`)
    .toString(36)
    .padStart(16, "0");
