/**
 * The mail server of the lab: takes every mail over SMTP and keeps it. Delivers nowhere, asks for no login, and can be
 * stopped and started again on the same port, as a mail server that is down for a while.
 */
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerDataStream } from "smtp-server";
import type { World } from "./world.ts";

export interface Mail {
  readonly at: number;
  readonly from: string;
  readonly to: string[];
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
}

export interface MailSink {
  readonly port: number;
  /** Every mail so far, oldest first. */
  readonly mails: Mail[];
  stop(): Promise<void>;
  restart(): Promise<void>;
}

export async function startMailSink(world: World): Promise<MailSink> {
  const { mails } = world.state<{ mails: Mail[] }>("mail", () => ({ mails: [] }));
  let server = await listen(world, mails, 0);
  let up = true;
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    mails,
    async stop() {
      if (!up) return;
      up = false;
      await new Promise<void>((resolve) => server.close(resolve));
    },
    async restart() {
      if (up) return;
      server = await listen(world, mails, port);
      up = true;
    },
  };
}

async function listen(world: World, mails: Mail[], port: number): Promise<SMTPServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    closeTimeout: 200,
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map((recipient) => recipient.address);
      receive(stream)
        .then((mail) => {
          const full = { at: world.now(), to, ...mail };
          mails.push(full);
          world.tell({
            kind: "mail",
            region: "-",
            service: "mail",
            what: `mail to ${to.join(", ")}: ${mail.subject}`,
            detail: { ...full },
          });
          done();
        })
        .catch(done);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      // A client that leaves in the middle of a mail is no failure of the lab.
      server.on("error", (error) =>
        world.tell({ kind: "mail", region: "-", service: "mail", what: `a mail connection broke: ${error.message}` }),
      );
      resolve();
    });
  });
  return server;
}

async function receive(stream: SMTPServerDataStream): Promise<Omit<Mail, "at" | "to">> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const { default: PostalMime } = await import("postal-mime");
  const parsed = await PostalMime.parse(Buffer.concat(parts));
  return { from: parsed.from?.address ?? "", subject: parsed.subject ?? "", text: parsed.text ?? "", messageId: parsed.messageId ?? "" };
}
