/** The lists of requirements there are, and the pages in docs/ that are written from them. */
import { BACKUPS } from "./backups.ts";
import type { Requirement } from "./requirement.ts";
import { SAFETY } from "./safety.ts";

export interface List {
  readonly requirements: readonly Requirement[];
  /** Stands before each number. */
  readonly letter: string;
  readonly file: string;
  /** In docs/. */
  readonly page: string;
  readonly title: string;
  readonly command: string;
}

export const LISTS: Readonly<Record<"safety" | "backups", List>> = {
  safety: {
    requirements: SAFETY,
    letter: "S",
    file: "test/guards/safety.ts",
    page: "safety.md",
    title: "What keeps a failover safe",
    command: "npm run mutate:safety",
  },
  backups: {
    requirements: BACKUPS,
    letter: "R",
    file: "test/guards/backups.ts",
    page: "backup-guards.md",
    title: "What keeps backups true",
    command: "npm run mutate:backups",
  },
};
