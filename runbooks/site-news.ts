/** What people are told of a site's evacuation and return. */
import { siteCommand } from "../core/commands.ts";
import type { News, NewsKind } from "../core/news.ts";
import { calledAs } from "../core/people.ts";
import type { SitePlan } from "../core/plan/schema.ts";
import { movementOf, type SiteClaim } from "../core/site.ts";
import type { OrderedDatabase } from "./site-databases.ts";

type Row = readonly [label: string, value: string];
type Seen = readonly { readonly what: string; readonly seen: string; readonly atMs: number }[];

export class SiteNews {
  readonly movement: string;
  private readonly site: SitePlan;
  private readonly claim: SiteClaim;

  constructor(site: SitePlan, claim: SiteClaim) {
    this.site = site;
    this.claim = claim;
    this.movement = movementOf(claim.direction);
  }

  private news(kind: NewsKind, part: string, atMs: number, rest: Pick<News, "sentence" | "next"> & Partial<News>): News {
    const { execution } = this.claim;
    return { kind, move: this.movement, id: `${execution}-${part}`, database: this.site.name, atMs, details: [], ...rest };
  }

  private rows(seen: Seen): Row[] {
    const { people, reason } = this.claim;
    return [["Ordered by", `${people.map(calledAs).join(" and ")}: ${reason}`], ...seen.map(({ what, seen: words }): Row => [what, words])];
  }

  private get names(): string {
    return this.site.records.map(({ name }) => name).join(", ");
  }

  started(atMs: number): News {
    return this.news("Move Started", "started", atMs, {
      sentence: `The ${this.movement} of the site ${this.site.name} has started.`,
      details: this.rows([]),
      next: "Nothing. Another mail tells how it ends.",
    });
  }

  databasesWait(refused: readonly OrderedDatabase[], atMs: number): News {
    return this.news("Move Stuck", "databases", atMs, {
      sentence: `The ${this.movement} of ${this.site.name} waits for ${refused.map(({ name }) => name).join(", ")}: the dial is not turned before the databases are there.`,
      details: refused.map(({ name, said }): Row => [name, said]),
      next: "Move them; the evacuation goes on by itself when they are there, and stops after about an hour. To pass over what refused them:",
      commands: refused.flatMap(({ commands }) => commands),
    });
  }

  waiting(share: number, atMs: number): News {
    return this.news("Move Stuck", `route53-${share}`, atMs, {
      sentence: `The ${this.movement} of ${this.site.name} waits for Route 53, whose control plane does not answer: the records cannot be changed.`,
      details: [["Records", this.names]],
      next: "Nothing: it is tried for an hour. Whoever cannot wait points the visitors elsewhere by other means, such as the CDN's origin.",
    });
  }

  stopped(outcome: "failed" | "refused", sentence: string, seen: Seen, atMs: number): News {
    return this.news(outcome === "refused" ? "Move Refused" : "Move Failed", "stopped", atMs, {
      sentence,
      details: this.rows(seen),
      next:
        outcome === "refused"
          ? "Ask whoever keeps the hook; when it would say yes:"
          : "What was done stays as it is, and visitors are served where the dial stands. To go on from there, or to go back:",
      commands: [
        siteCommand(this.claim.direction, this.site.name),
        ...(outcome === "refused" ? [] : [siteCommand(this.claim.direction === "evacuate" ? "return" : "evacuate", this.site.name)]),
      ],
    });
  }

  doneSentence(troubles: readonly string[]): string {
    const { name, recovery } = this.site;
    const where = this.claim.direction === "evacuate" ? `is served from ${recovery.region}` : "is served from its primary region again";
    return [`The site ${name} ${where}: ${this.names}.`, ...troubles].join(" ");
  }

  done(sentence: string, seen: Seen, atMs: number, evidence: string): News {
    const { direction } = this.claim;
    const { group, lowerAfterMinutes = 10 } = this.site.recovery;
    return this.news("Move Succeeded", "done", atMs, {
      sentence,
      details: [...this.rows(seen), ["Evidence", evidence]],
      next:
        direction === "evacuate"
          ? "Look at the site. When its primary region is well again:"
          : `Nothing: ${group} gets its former size in ${lowerAfterMinutes} minutes.`,
      commands: direction === "evacuate" ? [siteCommand("return", this.site.name)] : [],
    });
  }

  lowered(said: string, atMs: number): News {
    return this.news("Order Taken", "lowered", atMs, { sentence: `${this.site.name}: ${said}.`, next: "Nothing." });
  }
}
