/**
 * Bundles each function into one small ES module. The AWS SDK is bundled (its version is part of what was tested), slimmed by
 * infra/slim-sdk.ts. Of the databases' clients only those go along whose engine the plan names, without their pools.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type Plugin } from "esbuild";
import type { Plan } from "../core/plan/schema.ts";
import { BUCKET_FUNCTION, hasBuckets } from "./buckets.ts";
import { hasMachines, MACHINE_FUNCTION } from "./machines.ts";
import { hasOffsite, OFFSITE_FUNCTION } from "./offsite.ts";
import { slimMySql } from "./slim-mysql.ts";
import { slimSdk } from "./slim-sdk.ts";
import { hasVault, VAULT_FUNCTION } from "./vault.ts";

const ROOT = join(import.meta.dirname, "..");

/** Every file in functions/ that exports a handler. */
export const FUNCTIONS: readonly string[] = readdirSync(join(ROOT, "functions"))
  .filter((file) => file.endsWith(".ts") && file !== "handler.ts")
  .map((file) => file.slice(0, -3))
  .sort();

/** What asks S3 for buckets that the plan does not name. */
const LISTS_BUCKETS = ["retain"];

/** Beside its code: what a dump takes along for whoever restores it. */
const KIT = ["restore.sh", "RESTORE.md"];

/** Bundles into `<out>/<function>/index.mjs`, with the plan beside it. */
export async function bundle(plan: Plan, out: string): Promise<void> {
  for (const name of FUNCTIONS) await rm(join(ROOT, out, name), { recursive: true, force: true });
  const chosen = [
    onlyEngines(enginesOf(plan)),
    ...(hasLatch(plan) ? [] : [withoutLatch]),
    ...(hasClusters(plan) ? [] : [withoutClusters]),
    ...(hasVault(plan) ? [] : [withoutVault]),
  ];
  const features = `${enginesOf(plan).sort()} ${[hasLatch(plan), hasClusters(plan), hasVault(plan)]}`;
  const left = [
    OFFSITE_FUNCTION,
    BUCKET_FUNCTION,
    ...(hasMachines(plan) ? [] : [MACHINE_FUNCTION]),
    ...(hasVault(plan) ? [] : [VAULT_FUNCTION]),
  ];
  const slim = FUNCTIONS.filter((name) => !left.includes(name));
  // Carry databases and objects away: they need all that the databases' clients and S3's can do, and nobody waits for their start.
  const whole = [...(hasOffsite(plan) ? [OFFSITE_FUNCTION] : []), ...(hasBuckets(plan) ? [BUCKET_FUNCTION] : [])];
  for (const lists of [false, true]) {
    const names = slim.filter((name) => LISTS_BUCKETS.includes(name) === lists);
    await madeOnce(`slim ${lists} ${features} ${names}`, names, out, () =>
      bundleOf(names, out, [slimSdk(lists), slimPostgres, slimMySql, ...chosen]),
    );
  }
  if (whole.length > 0) await madeOnce(`whole ${features} ${whole}`, whole, out, () => bundleOf(whole, out, chosen));
  for (const name of [...slim, ...whole]) {
    await mkdir(join(ROOT, out, name), { recursive: true });
    await writeFile(join(ROOT, out, name, "plan.json"), JSON.stringify(plan));
  }
  for (const name of whole) for (const file of KIT) await copyFile(join(ROOT, "offsite", file), join(ROOT, out, name, file));
}

/**
 * Whoever packages many plans from the same sources names a folder of its own (UNDERSTUDY_BUNDLES) where bundles that are alike are found
 * again: `what` says all they depend on.
 */
async function madeOnce(what: string, names: readonly string[], out: string, make: () => Promise<void>): Promise<void> {
  const shelf = process.env.UNDERSTUDY_BUNDLES;
  if (shelf === undefined) return await make();
  const kept = join(shelf, createHash("sha256").update(what).digest("hex"));
  const fileIn = (folder: string, name: string) => join(folder, name, "index.mjs");
  if (existsSync(kept)) {
    for (const name of names) await cp(fileIn(kept, name), fileIn(join(ROOT, out), name));
    return;
  }
  await make();
  const beside = await mkdtemp(`${kept}-`);
  for (const name of names) await cp(fileIn(join(ROOT, out), name), fileIn(beside, name));
  // Who was faster has the same.
  await rename(beside, kept).catch(() => {});
}

async function bundleOf(names: readonly string[], out: string, plugins: Plugin[]): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: names.map((name) => ({ in: `functions/${name}.ts`, out: `${name}/index` })),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    // Error names and function names stand in logs and checkpoints.
    keepNames: false,
    platform: "node",
    format: "esm",
    target: "node24",
    mainFields: ["module", "main"],
    legalComments: "none",
    logLevel: "warning",
    // pg is CommonJS and asks for Node's modules by require.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    // Native code that is not there.
    external: ["pg-native"],
    plugins,
  });
}

const virtual = (plugin: Parameters<Plugin["setup"]>[0], namespace: string, filter: RegExp, contents: string) => {
  plugin.onResolve({ filter }, (args) => ({ path: args.path, namespace }));
  plugin.onLoad({ filter: /.*/, namespace }, () => ({ contents, loader: "js" }));
};

/** The types databases/postgres.ts asks for: truth values and numbers; int8, texts and all others stay texts, as pg has it for unknown ones. */
const FEW_TYPES = `
const parsers = { 16: (text) => text === "t", 21: Number, 23: Number, 26: Number, 700: Number, 701: Number };
exports.getTypeParser = (oid, format) => (format !== "binary" && parsers[oid]) || String;
exports.setTypeParser = () => { throw new Error("parsers of types are left out of this bundle (infra/bundle.ts)"); };`;

const refuses = (what: string) => `() => { throw new Error("${what} is left out of this bundle (infra/bundle.ts)"); }`;

/**
 * One connection at a time, made by hand: no pool, no native binding, no password file, no connection strings, no channel binding (which
 * pg does when it is asked to), no types beyond what is read.
 */
const slimPostgres: Plugin = {
  name: "slim-postgres",
  setup(plugin) {
    virtual(plugin, "no-pool", /^(pg-pool|pgpass|pg-native|pg-cloudflare)$/, "module.exports = class {};");
    virtual(plugin, "few-types", /^pg-types$/, FEW_TYPES);
    virtual(plugin, "no-connection-strings", /^pg-connection-string$/, `exports.parse = ${refuses("a connection string")};`);
    virtual(
      plugin,
      "no-channel-binding",
      /^\.\/cert-signatures$/,
      `exports.signatureAlgorithmHashFromCertificate = ${refuses("channel binding")};`,
    );
    plugin.onResolve({ filter: /^\.\/native/ }, (args) =>
      /[\\/]pg[\\/]lib$/.test(args.resolveDir) ? { path: "pg-native", namespace: "no-pool" } : undefined,
    );
  },
};

const enginesOf = (plan: Plan): string[] => [...new Set(Object.values(plan.databases).map((database) => database.engine))];

const hasLatch = (plan: Plan): boolean => plan.records.some(({ repoint }) => repoint === "latch");

const hasClusters = (plan: Plan): boolean => Object.values(plan.databases).some(({ primary }) => primary.cluster !== undefined);

/** A plan without clusters asks nothing of RDS's operations on them. */
const withoutClusters: Plugin = {
  name: "without-clusters",
  setup(plugin) {
    const names = ["describeCluster", "failOverCluster", "describeGlobal", "switchOverGlobal", "failOverGlobal"];
    const stand = names.map((name) => `export const ${name} = ${refuses("what speaks of clusters")};`).join(" ");
    plugin.onLoad({ filter: /[\\/]aws[\\/]rds-clusters\.ts$/ }, () => ({ contents: stand, loader: "js" }));
  },
};

/** A plan without a vault takes on no role: STS's client stays behind. */
const withoutVault: Plugin = {
  name: "without-vault",
  setup(plugin) {
    const contents = `export const otherAccount = ${refuses("another account")};`;
    plugin.onLoad({ filter: /[\\/]aws[\\/]other-account\.ts$/ }, () => ({ contents, loader: "js" }));
  },
};

/** A plan whose names all move by their records has no latch: what speaks to one stays behind, with CloudWatch's client. */
const withoutLatch: Plugin = {
  name: "without-latch",
  setup(plugin) {
    const instead = (filter: RegExp, names: readonly string[]) =>
      plugin.onLoad({ filter }, () => ({
        contents: names
          .map((name) => `export const ${name} = () => { throw new Error("This plan has no latch: package again."); };`)
          .join("\n"),
        loader: "ts",
      }));
    instead(/[\\/]runbooks[\\/]repoint-latch\.ts$/, ["latchWay", "readLatch", "writeLatch"]);
    instead(/[\\/]runbooks[\\/]restored-side\.ts$/, ["sideTrouble", "seating"]);
    plugin.onLoad({ filter: /[\\/]runbooks[\\/]latch\.ts$/ }, () => ({
      contents: "export const tendLatch = async () => {};",
      loader: "ts",
    }));
  },
};

/** Empties the module of every engine the plan does not name. */
const onlyEngines = (wanted: readonly string[]): Plugin => ({
  name: "only-engines",
  setup(plugin) {
    plugin.onLoad({ filter: /[\\/]databases[\\/](postgres|mariadb)(-inventory)?\.ts$/ }, (args) =>
      wanted.includes(basename(args.path, ".ts").replace("-inventory", "")) ? undefined : { contents: "export {};", loader: "ts" },
    );
  },
});
