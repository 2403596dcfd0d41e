/** A PostgreSQL schema of everything a small product may have, and rows that are easily spoilt on their way. */
export const MARKER = "the-marker-nobody-else-may-read";

export const ODD_POSTGRES = `
  create schema "odd ""place";
  create type mood as enum ('fine', 'it''s so-so', 'bad\\mood');
  create type address as (street text, zip int);
  create type span as range (subtype = timestamptz);
  create domain positive as int default 1 check (value > 0);
  create sequence tickets start 1000 increment 5;
  create function shout(words text) returns text language sql immutable as $$ select upper(words) || ';' $$;

  create table places (id bigint generated always as identity primary key, name text not null unique, home address, mood mood not null default 'fine');
  insert into places (name, home, mood) select 'place ' || n, row('street ' || n, n)::address, (enum_range(null::mood))[1 + n % 3] from generate_series(1, 200) n;

  create table orders (
    id serial primary key, place bigint not null references places on delete cascade, ticket int default nextval('tickets'),
    many positive, words text, loud text generated always as (shout(words)) stored, raw bytea, half float4, whole float8, exact numeric(30, 10),
    day date, at timestamptz, naive timestamp, took interval, doc jsonb, plain json, id2 uuid default gen_random_uuid(), host inet, tags text[],
    during span, bits bit varying(9), vector tsvector, constraint later check (day is null or day > '0001-01-01'::date));
  insert into orders (place, many, words, raw, half, whole, exact, day, at, naive, took, doc, plain, host, tags, during, bits, vector)
  select 1 + n % 200, 1 + n % 7,
    (array[null, '', E'tab\\there', E'line\\nbreak\\r', 'back\\\\slash', '\\N', '\\.', E'\\u00e4 \\u4f60\\u597d \\U0001F600', 'quote '' and "', '${MARKER}'])[1 + n % 10],
    decode(md5(n::text) || '00ff0a095c', 'hex'), (1 / (n::float8))::float4, case n % 50 when 0 then 'NaN' when 1 then '-Infinity' else pi() * n end::float8,
    n::numeric / 7, '2000-02-29'::date + n % 9000, '1999-12-31 23:59:59.999999+00'::timestamptz + n * interval '1 hour 1 microsecond',
    '2024-03-31 02:30:00'::timestamp + n * interval '1 second', n * interval '1 month 3 days 0.000001 s',
    jsonb_build_object('n', n, 'words', E'tab\\tline\\n"\\\\', 'none', null), '{"a":  1,   "a": 2}', ('10.0.' || n % 250 || '.1')::inet,
    array['a,b', null, '{}', E'\\t' || n], span('2020-01-01 00:00+00', '2020-01-02 00:00+00'::timestamptz + n * interval '1 s'), b'101',
    to_tsvector('simple', 'word' || n)
  from generate_series(1, 12000) n;
  create index orders_open on orders (place, day desc) where words is not null;
  create index orders_loud on orders (lower(loud));

  create table "odd ""place"."Tab""le" ("Key ""one" text, "key two" int, payload text, primary key ("Key ""one", "key two"));
  insert into "odd ""place"."Tab""le" select E'k\\\\ey\\t''' || n % 100, n, repeat('x', n % 300) from generate_series(1, 3000) n;

  create table log (at timestamptz default now(), line text);
  insert into log select '2026-01-01'::timestamptz + n * interval '1 s', case when n % 5 = 0 then null else 'line ' || n end from generate_series(1, 20000) n;
  create table empty_one (id int primary key);

  create table events (id bigint, day date not null, what text) partition by range (day);
  create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
  create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
  alter table events add primary key (id, day);
  create index events_what on events (what);
  insert into events select n, '2025-06-01'::date + n % 300, 'what ' || n from generate_series(1, 2000) n;

  create view loud_orders as select id, loud from orders where loud is not null;
  create view louder as select count(*) as n from loud_orders;
  create materialized view by_place as select place, count(*) as orders from orders group by place;
  create unique index by_place_place on by_place (place);
  create function stamp() returns trigger language plpgsql as $body$ begin new.words := coalesce(new.words, 'none;'); return new; end $body$;
  create trigger stamped before insert on orders for each row execute function stamp();
  create statistics orders_stats on place, day from orders;
  alter table places add column twin bigint references places (id);
  vacuum analyze;`;
