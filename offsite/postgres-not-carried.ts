/** What a PostgreSQL database may hold that a dump does not: looked for by kind and named, so that nobody learns it at the restore. */
import type pg from "pg";
import { rowsOf } from "./postgres-session.ts";
import { OUR_SCHEMAS, ours } from "./postgres-tables.ts";

const inSchema = (catalogue: string, name: string, schema: string, more = "true") => `
  select format('%I.%I', n.nspname, x.${name}) as name from ${catalogue} x join pg_namespace n on n.oid = x.${schema}
  where ${more} and ${OUR_SCHEMAS} and ${ours(catalogue, "x.oid")}`;
const plain = (catalogue: string, name: string, more = "true") =>
  `select format('%I', x.${name}) as name from ${catalogue} x where ${more} and x.oid >= 16384 and ${ours(catalogue, "x.oid")}`;

const KINDS: readonly (readonly [what: string, sql: string])[] = [
  ["foreign tables", inSchema("pg_class", "relname", "relnamespace", "x.relkind = 'f'")],
  ["foreign servers", plain("pg_foreign_server", "srvname")],
  ["large objects", "select oid::text as name from pg_largeobject_metadata"],
  [
    "tables that inherit",
    inSchema(
      "pg_class",
      "relname",
      "relnamespace",
      "x.relkind = 'r' and not x.relispartition and exists (select from pg_inherits i where i.inhrelid = x.oid)",
    ),
  ],
  ["tables of a type", inSchema("pg_class", "relname", "relnamespace", "x.relkind = 'r' and x.reloftype <> 0")],
  ["row security and its policies", inSchema("pg_class", "relname", "relnamespace", "x.relrowsecurity")],
  [
    "values of sequences",
    inSchema(
      "pg_class",
      "relname",
      "relnamespace",
      "case x.relkind when 'S' then not has_sequence_privilege(x.oid, 'SELECT, USAGE') else false end",
    ),
  ],
  ["base types", inSchema("pg_type", "typname", "typnamespace", "x.typtype = 'b' and x.typelem = 0 and x.typisdefined")],
  ["aggregates", inSchema("pg_proc", "proname", "pronamespace", "x.prokind = 'a'")],
  ["operators", inSchema("pg_operator", "oprname", "oprnamespace")],
  ["operator classes", inSchema("pg_opclass", "opcname", "opcnamespace")],
  ["collations", inSchema("pg_collation", "collname", "collnamespace")],
  ["conversions", inSchema("pg_conversion", "conname", "connamespace")],
  ["text search configurations", inSchema("pg_ts_config", "cfgname", "cfgnamespace")],
  ["text search dictionaries", inSchema("pg_ts_dict", "dictname", "dictnamespace")],
  // A range type brings its own.
  [
    "casts",
    `select x.castsource::regtype || ' as ' || x.casttarget::regtype as name from pg_cast x
      where x.oid >= 16384 and not exists (select from pg_depend i where i.classid = 'pg_cast'::regclass and i.objid = x.oid and i.deptype = 'i') and ${ours("pg_cast", "x.oid")}`,
  ],
  ["languages", plain("pg_language", "lanname")],
  ["event triggers", plain("pg_event_trigger", "evtname", "pg_get_userbyid(x.evtowner) <> 'rdsadmin'")],
  ["publications", plain("pg_publication", "pubname")],
  // pg_subscription is not readable by everybody; its count is.
  ["subscriptions", "select subname as name from pg_stat_subscription where subname is not null"],
];

const SHOWN = 5;

export async function notCarried(client: pg.Client): Promise<string[]> {
  const found: string[] = [];
  for (const [what, sql] of KINDS) {
    const names = (await rowsOf<{ name: string }>(client, sql)).map(({ name }) => name).sort();
    if (names.length > 0)
      found.push(`${what}: ${names.slice(0, SHOWN).join(", ")}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ""}`);
  }
  return found;
}
