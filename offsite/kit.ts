/** The break-glass kit: what lies beside a dump in plain text, so that a person with the master key and a plain Linux machine can restore. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FORM, type Start } from "../core/offsite-dump.ts";
import type { DumpFolder } from "./progress.ts";

export class Kit {
  private readonly script: string;
  private readonly page: string;

  constructor(script: string, page: string) {
    this.script = script;
    this.page = page;
  }

  /** As it lies in this folder of the project. */
  static beside(folder: string = import.meta.dirname): Kit {
    return new Kit(readFileSync(join(folder, "restore.sh"), "utf8"), readFileSync(join(folder, "RESTORE.md"), "utf8"));
  }

  async writeTo(put: (name: string, text: string) => Promise<unknown>): Promise<void> {
    await put("restore.sh", this.script);
    await put("RESTORE.md", this.page);
  }

  /** Tells nothing of the database but its engine. */
  async write(folder: DumpFolder, { id, engine }: Start): Promise<void> {
    await folder.putPlain("dump.txt", `form ${FORM}\ndump ${id}\nengine ${engine}\n`);
    await this.writeTo((name, text) => folder.putPlain(name, text));
  }
}
