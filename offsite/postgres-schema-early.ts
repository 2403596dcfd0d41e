/**
 * The questions whose answers are statements to run before rows are loaded: schemas, extensions, types, functions, sequences, tables,
 * views. Each answer has the id its object has in NEEDS, which says who needs whom.
 */
import { OUR_SCHEMAS, ours } from "./postgres-tables.ts";

const SCHEMAS = `
  select 's' || n.oid as id, format('create schema if not exists %I', n.nspname) as statement
  from pg_namespace n where ${OUR_SCHEMAS} and ${ours("pg_namespace", "n.oid")} order by n.nspname`;

const EXTENSIONS = `
  select 'e' || e.oid as id, format('create extension if not exists %I with schema %I', e.extname, n.nspname) as statement
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql' order by e.oid`;

const ENUMS_AND_RANGES = `
  select 't' || t.oid as id, format('create type %I.%I as ', n.nspname, t.typname) || case t.typtype
    when 'e' then format('enum (%s)', (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid))
    else (select format('range (subtype = %s%s%s)', format_type(r.rngsubtype, null),
        case when r.rngcollation <> 0 and r.rngcollation <> st.typcollation then format(', collation = %I.%I', cn.nspname, co.collname) end,
        case when r.rngsubdiff <> 0 then format(', subtype_diff = %s', r.rngsubdiff::regproc) end)
      from pg_range r join pg_type st on st.oid = r.rngsubtype left join pg_collation co on co.oid = r.rngcollation
        left join pg_namespace cn on cn.oid = co.collnamespace where r.rngtypid = t.oid) end as statement
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where t.typtype in ('e', 'r') and ${OUR_SCHEMAS} and ${ours("pg_type", "t.oid")} order by t.oid`;

const COMPOSITES = `
  select 't' || t.oid as id, format('create type %I.%I as (%s)', n.nspname, t.typname,
    (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
        || case when a.attcollation <> 0 and a.attcollation <> at.typcollation then format(' collate %I.%I', ln.nspname, l.collname) else '' end, ', ' order by a.attnum)
      from pg_attribute a join pg_type at on at.oid = a.atttypid left join pg_collation l on l.oid = a.attcollation left join pg_namespace ln on ln.oid = l.collnamespace
      where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)) as statement
  from pg_type t join pg_namespace n on n.oid = t.typnamespace join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
  where t.typtype = 'c' and ${OUR_SCHEMAS} and ${ours("pg_type", "t.oid")} order by t.oid`;

const DOMAINS = `
  select 't' || t.oid as id, format('create domain %I.%I as %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
    || case when t.typcollation <> 0 and t.typcollation <> b.typcollation then format(' collate %I.%I', ln.nspname, l.collname) else '' end
    || coalesce(' default ' || t.typdefault, '') || case when t.typnotnull then ' not null' else '' end
    || coalesce((select string_agg(format(' constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), '' order by k.conname)
      from pg_constraint k where k.contypid = t.oid and k.contype = 'c'), '') as statement
  from pg_type t join pg_namespace n on n.oid = t.typnamespace join pg_type b on b.oid = t.typbasetype
    left join pg_collation l on l.oid = t.typcollation left join pg_namespace ln on ln.oid = l.collnamespace
  where t.typtype = 'd' and ${OUR_SCHEMAS} and ${ours("pg_type", "t.oid")} order by t.oid`;

const FUNCTIONS = `
  select 'f' || p.oid as id, pg_get_functiondef(p.oid) as statement
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where p.prokind in ('f', 'p', 'w') and ${OUR_SCHEMAS} and ${ours("pg_proc", "p.oid")}
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
  order by p.oid`;

const sequenceOptions = (
  sequence: string,
) => `format('increment by %s minvalue %s maxvalue %s start with %s cache %s%s', ${sequence}.seqincrement,
  ${sequence}.seqmin, ${sequence}.seqmax, ${sequence}.seqstart, ${sequence}.seqcache, case when ${sequence}.seqcycle then ' cycle' else '' end)`;

/** Those of identity columns come with their column. */
const SEQUENCES = `
  select 'r' || c.oid as id, format('create %ssequence %I.%I as %s %s', case c.relpersistence when 'u' then 'unlogged ' else '' end, n.nspname, c.relname,
    format_type(q.seqtypid, null), ${sequenceOptions("q")}) as statement
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence q on q.seqrelid = c.oid
  where c.relpersistence <> 't' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")}
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
  order by c.oid`;

const COLUMN = `format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
  || case when a.attcollation <> 0 and a.attcollation <> ty.typcollation then format(' collate %I.%I', ln.nspname, l.collname) else '' end
  || case when a.attidentity <> '' then (select format(' generated %s as identity (sequence name %I.%I %s)', case a.attidentity when 'a' then 'always' else 'by default' end,
      qn.nspname, qc.relname, ${sequenceOptions("q")})
      from pg_depend d join pg_class qc on qc.oid = d.objid join pg_namespace qn on qn.oid = qc.relnamespace join pg_sequence q on q.seqrelid = qc.oid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i')
    when a.attgenerated <> '' then format(' generated always as (%s) %s', pg_get_expr(df.adbin, df.adrelid), case a.attgenerated when 's' then 'stored' else 'virtual' end)
    when df.oid is not null then ' default ' || pg_get_expr(df.adbin, df.adrelid) else '' end
  || case when a.attnotnull then ' not null' else '' end`;

/** Partitions are tables of their own first, and are attached by what is run late: their rows are loaded one by one. */
const TABLES = `
  select 'r' || c.oid as id, format('create %stable %I.%I (%s)%s%s', case c.relpersistence when 'u' then 'unlogged ' else '' end, n.nspname, c.relname,
    (select string_agg(${COLUMN}, ', ' order by a.attnum) from pg_attribute a join pg_type ty on ty.oid = a.atttypid
      left join pg_attrdef df on df.adrelid = c.oid and df.adnum = a.attnum
      left join pg_collation l on l.oid = a.attcollation left join pg_namespace ln on ln.oid = l.collnamespace
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    case c.relkind when 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end,
    ' with (' || array_to_string(c.reloptions, ', ') || ')') as statement
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")} order by c.oid`;

const VIEWS = `
  select 'r' || c.oid as id, format('create %sview %I.%I%s as %s', case c.relkind when 'm' then 'materialized ' else '' end, n.nspname, c.relname,
    ' with (' || array_to_string(c.reloptions, ', ') || ')', rtrim(pg_get_viewdef(c.oid), E'; \\n'))
    || case c.relkind when 'm' then ' with no data' else '' end as statement
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('v', 'm') and c.relpersistence <> 't' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")} order by c.oid`;

export const EARLY: readonly string[] = [SCHEMAS, EXTENSIONS, ENUMS_AND_RANGES, COMPOSITES, DOMAINS, FUNCTIONS, SEQUENCES, TABLES, VIEWS];

/** Whose statement an entry of a catalogue is part of. */
const owner = (catalogue: string, oid: string) => `case ${catalogue}
  when 'pg_proc'::regclass then 'f' || ${oid}
  when 'pg_namespace'::regclass then 's' || ${oid}
  when 'pg_extension'::regclass then 'e' || ${oid}
  when 'pg_class'::regclass then coalesce((select 't' || reltype from pg_class where oid = ${oid} and relkind = 'c'), 'r' || ${oid})
  when 'pg_attrdef'::regclass then (select 'r' || adrelid from pg_attrdef where oid = ${oid})
  when 'pg_rewrite'::regclass then (select 'r' || ev_class from pg_rewrite where oid = ${oid} and rulename = '_RETURN')
  when 'pg_constraint'::regclass then (select 't' || contypid from pg_constraint where oid = ${oid} and contypid <> 0)
  when 'pg_type'::regclass then (select coalesce((select 'r' || r.oid from pg_class r where r.oid = y.typrelid and r.relkind <> 'c'),
      (select 't' || g.rngtypid from pg_range g where g.rngmultitypid = y.oid), 't' || y.oid)
    from pg_type x join pg_type y on y.oid = case when x.typelem <> 0 and x.typlen = -1 then x.typelem else x.oid end where x.oid = ${oid})
  end`;

/** A sequence belongs to its column and a partition to its table; neither needs the other to be made. */
export const NEEDS = `
  select distinct id, needed from (
    select ${owner("d.classid", "d.objid")} as id, ${owner("d.refclassid", "d.refobjid")} as needed
    from pg_depend d where d.deptype in ('n', 'a', 'i') and (d.objid >= 16384 or d.refobjid >= 16384)
      and not (d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i'))
  ) as named where id is not null and needed is not null and id <> needed order by 1, 2`;
