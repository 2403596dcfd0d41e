/** The questions whose answers are statements to run after rows are loaded: values of sequences, constraints, indexes, triggers, rules. */
import { OUR_SCHEMAS, ours } from "./postgres-tables.ts";

const NAME = "format('%I.%I', n.nspname, c.relname)";

const SEQUENCE_VALUES = `
  select '' as id, format('select pg_catalog.setval(%L, %s, %s)', format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value),
    case when last_value is null then 'false' else 'true' end) as statement
  from pg_sequences s join pg_namespace n on n.nspname = s.schemaname join pg_class c on c.relnamespace = n.oid and c.relname = s.sequencename
  where c.relpersistence <> 't' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")} order by 2`;

const SEQUENCE_OWNERS = `
  select '' as id, format('alter sequence %s owned by %I.%I.%I', ${NAME}, tn.nspname, t.relname, a.attname) as statement
  from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S' join pg_namespace n on n.oid = c.relnamespace
    join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")}
  order by 2`;

const PARTITIONS = `
  select '' as id, format('alter table %I.%I attach partition %s %s', pn.nspname, p.relname, ${NAME}, pg_get_expr(c.relpartbound, c.oid)) as statement
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_inherits i on i.inhrelid = c.oid
    join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
  where c.relispartition and c.relkind in ('r', 'p') and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")}
  order by (select count(*) from pg_partition_ancestors(c.oid)), 2`;

/** A partition's own copy of its table's constraint or index comes with that. Checks first, foreign keys last. */
const constraints = (kinds: string) => `
  select '' as id, format('alter table %s add constraint %I %s', ${NAME}, k.conname, pg_get_constraintdef(k.oid)) as statement
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype in (${kinds}) and k.conparentid = 0 and (k.coninhcount = 0 or k.conislocal) and c.relkind in ('r', 'p') and c.relpersistence <> 't'
    and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")}
  order by position(k.contype::text in 'cpuxf'), c.relispartition, 2`;

const INDEXES = `
  select '' as id, case c.relkind when 'I' then replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') else pg_get_indexdef(i.indexrelid) end as statement
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace join pg_class t on t.oid = i.indrelid
  where i.indisvalid and c.relpersistence <> 't' and ${OUR_SCHEMAS} and ${ours("pg_class", "t.oid")} and ${ours("pg_class", "c.oid")}
    and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x'))
    and not exists (select from pg_inherits h where h.inhrelid = c.oid)
  order by t.relkind = 'm', 2`;

/** Without an order of their own: one that reads another is refreshed after it, as it was made after it. */
const REFRESHED = `
  select '' as id, format('refresh materialized view %s', ${NAME}) as statement
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'm' and c.relispopulated and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")} order by c.oid`;

const REPLICA_IDENTITY = `
  select '' as id, format('alter table %s replica identity %s', ${NAME}, case c.relreplident when 'f' then 'full' when 'n' then 'nothing'
    else (select format('using index %I', x.relname) from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and i.indisreplident) end) as statement
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relreplident in ('f', 'n', 'i') and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")}
    and (c.relreplident <> 'i' or exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident)) order by 2`;

const STATISTICS = `
  select '' as id, pg_get_statisticsobjdef(s.oid) as statement
  from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where ${OUR_SCHEMAS} and ${ours("pg_statistic_ext", "s.oid")} order by 2`;

const RULES = `
  select '' as id, pg_get_ruledef(r.oid) as statement from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
  where r.rulename <> '_RETURN' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")} order by 2`;

const TRIGGERS = `
  select '' as id, pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else format('; alter table %s %s trigger %I', ${NAME},
    case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname) end as statement
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  where not t.tgisinternal and t.tgparentid = 0 and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")} order by 2`;

export const LATE: readonly string[] = [
  SEQUENCE_VALUES,
  SEQUENCE_OWNERS,
  PARTITIONS,
  constraints("'c', 'p', 'u', 'x'"),
  INDEXES,
  constraints("'f'"),
  STATISTICS,
  REPLICA_IDENTITY,
  REFRESHED,
  RULES,
  TRIGGERS,
];
