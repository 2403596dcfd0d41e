/**
 * `npm run conformance:moto`: one script of calls, made with botocore, against the lab and against a moto server. Exits with 1 when
 * they differ in anything conformance/differences.json does not explain, and when it explains what is no longer so.
 */
import { startOracle } from "../conformance/oracle.ts";
import { findOrMakePython } from "../conformance/python.ts";
import { type Finding, judge } from "../conformance/run.ts";
import { throwawayFolder } from "../lab/folder.ts";
import { startLab } from "../lab/lab.ts";
import { endWell } from "./endings.ts";

await endWell(async (atEnd) => {
  const python = findOrMakePython(console.log);
  if ("missing" in python) return console.log(`notice: skipped, ${python.missing}`);
  const oracle = await startOracle(python.path);
  atEnd(() => oracle.close());
  const lab = await startLab({ folder: throwawayFolder() });
  atEnd(() => lab.close());
  const { moto, botocore } = oracle.versions;
  console.log(`The same calls, made with botocore ${botocore}, to the lab and to moto ${moto} …`);
  const verdict = await judge({ oracle, lab: { endpoint: lab.wire.url, account: lab.world.account } });
  for (const finding of verdict.unexplained) console.log(story(finding));
  for (const { calls, member, lab, moto } of verdict.idle)
    console.log(
      `\nno longer so: ${calls} ${member}, lab ${JSON.stringify(lab)}, moto ${JSON.stringify(moto)}: take it out of differences.json`,
    );
  const services = Object.entries(verdict.byService).map(([name, count]) => `${name} ${count}`);
  console.log(`\n${verdict.calls} calls (${services.join(", ")})`);
  console.log(
    `${verdict.equal} equal, ${verdict.explained} explained, ${verdict.unexplained.length} unexplained, ${verdict.idle.length} explanations of nothing`,
  );
  if (verdict.unexplained.length + verdict.idle.length > 0) process.exitCode = 1;
});

function story({ story, call, parameters, differences }: Finding): string {
  const lines = differences.map(({ path, lab, moto }) => `    ${path}\n      lab  ${shown(lab)}\n      moto ${shown(moto)}`);
  return `\n${story}: ${call} ${shown(parameters)}\n${lines.join("\n")}`;
}

function shown(value: unknown): string {
  const text = value === undefined ? "absent" : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}
