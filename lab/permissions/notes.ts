/**
 * What was asked of each role, and what came of it: each question once, with how often it was asked. When the environment variable
 * UNDERSTUDY_PERMISSIONS_LOG names a file, each is added there too, as one line of JSON, so that many labs can write one log.
 */
import { appendFileSync } from "node:fs";
import type { World } from "../cloud/world.ts";
import { stacksOf } from "../deploy/stack.ts";
import type { Question, Verdict } from "./evaluate.ts";

/** A question without the role's own policies: those are what a replay changes. */
export interface Note extends Omit<Question, "policies"> {
  /** The role's name. */
  readonly roleName: string;
  /** Its logical id in the template it was deployed from; its name when it came from none. */
  readonly role: string;
  /** The session's name: a function's, for a function. */
  readonly session: string;
  readonly allowed: boolean;
  readonly by: readonly string[];
  /** What AWS's refusal ends with. */
  readonly because: string;
  times: number;
}

/** One line of the log. */
export interface LoggedNote {
  readonly role: string;
  readonly session: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  readonly by: readonly string[];
}

export class Notes {
  /** The first that was not allowed, as soon as it is asked; never settles while all are. */
  readonly firstRefusal: Promise<Note>;
  private readonly world: World;
  private tellRefusal: (note: Note) => void = () => {};
  private readonly known = new Map<string, Note>();
  private readonly logicalIds = new Map<string, string>();

  constructor(world: World) {
    this.world = world;
    this.firstRefusal = new Promise((resolve) => {
      this.tellRefusal = resolve;
    });
  }

  get all(): readonly Note[] {
    return [...this.known.values()];
  }

  take({ policies: _policies, ...asked }: Question, roleName: string, { allowed, by, because }: Verdict): void {
    const key = JSON.stringify([asked, allowed, by]);
    const known = this.known.get(key);
    if (known) {
      known.times++;
      return;
    }
    const role = this.logicalId(roleName);
    const session = asked.principal.split("/").at(-1) ?? "";
    const note: Note = { ...asked, roleName, role, session, allowed, by, because, times: 1 };
    this.known.set(key, note);
    if (!allowed) this.tellRefusal(note);
    const file = process.env.UNDERSTUDY_PERMISSIONS_LOG;
    if (!file) return;
    const line: LoggedNote = { role, session, action: asked.action, resource: asked.resource, allowed, by };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  }

  private logicalId(roleName: string): string {
    const known = this.logicalIds.get(roleName);
    if (known) return known;
    for (const stack of Object.values(stacksOf(this.world)))
      for (const [logicalId, { type, id }] of Object.entries(stack.resources))
        if (type === "AWS::IAM::Role") this.logicalIds.set(id, logicalId);
    return this.logicalIds.get(roleName) ?? roleName;
  }
}
