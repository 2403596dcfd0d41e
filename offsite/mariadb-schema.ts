/**
 * A MariaDB database's schema as SQL of the server's own making (SHOW CREATE). Names of the database itself are left out, so that it can be
 * restored under another. What the user may not see is listed: it would be missing in silence.
 */
import { inOrder } from "../core/offsite-order.ts";
import { quoted } from "./mariadb-columns.ts";
import { takenApart, withoutDefiner } from "./mariadb-ddl.ts";
import type { MariaDbSession } from "./mariadb-session.ts";
import type { Schema } from "./source.ts";

const text = (value: string): string => `_utf8mb4 x'${Buffer.from(value).toString("hex")}'`;
/** Bodies of routines hold semicolons. */
const END = "$$END$$";

interface Told {
  readonly schema: Schema;
  readonly notTold: readonly string[];
}

/** Checks of foreign keys are off as in MariaDB's own dumps: what the source holds is restored, orphans too. */
const HEAD = `SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET foreign_key_checks = 0;
SET sql_mode = '';
`;

export async function mariaDbSchema(session: MariaDbSession, database: string): Promise<Told> {
  const asker = new Asker(session, database);
  const { pre, keys, foreignKeys } = await asker.tables();
  const post = [
    ...keys.map(plain),
    ...foreignKeys.map(plain),
    ...(await asker.routines()),
    ...(await asker.views()),
    ...(await asker.triggers()),
    ...(await asker.events()),
  ];
  await asker.rights();
  return { schema: { pre: HEAD + pre.map(plain).join(""), post: HEAD + post.join("") }, notTold: asker.notTold };
}

const plain = (statement: string): string => `${statement};\n`;

class Asker {
  readonly notTold: string[] = [];
  private readonly session: MariaDbSession;
  private readonly database: string;

  constructor(session: MariaDbSession, database: string) {
    this.session = session;
    this.database = database;
  }

  async tables(): Promise<{ pre: string[]; keys: string[]; foreignKeys: string[] }> {
    const [own] = await this.session.query(
      `select default_character_set_name as charset, default_collation_name as collation from information_schema.schemata where schema_name = ${text(this.database)}`,
    );
    const pre = own ? [`ALTER DATABASE CHARACTER SET ${own.charset} COLLATE ${own.collation}`] : [];
    for (const name of await this.names("table_name", "tables", "table_schema", "table_type = 'SEQUENCE'")) {
      pre.push(await this.shown(`show create sequence ${quoted(name)}`, "Create Table"));
      const [at] = await this.session.query(`select next_not_cached_value as next from ${quoted(name)}`);
      pre.push(`DO SETVAL(${quoted(name)}, ${at?.next}, 0)`);
    }
    const keys: string[] = [];
    const foreignKeys: string[] = [];
    for (const name of await this.names("table_name", "tables", "table_schema", "table_type in ('BASE TABLE', 'SYSTEM VERSIONED')")) {
      const shown = await this.shown(`show create table ${quoted(name)}`, "Create Table");
      // Of the database's own name, only a sequence's is told here.
      const parts = takenApart(quoted(name), shown.replaceAll(`nextval(${quoted(this.database)}.`, "nextval("));
      pre.push(parts.create);
      keys.push(...parts.keys);
      foreignKeys.push(...parts.foreignKeys);
    }
    return { pre, keys, foreignKeys };
  }

  /** One that reads another is made after it: its text names the other. */
  async views(): Promise<string[]> {
    const views: { id: string; statement: string }[] = [];
    for (const name of await this.names("table_name", "views", "table_schema"))
      views.push({ id: name, statement: withoutDefiner(await this.shown(`show create view ${quoted(name)}`, "Create View")) });
    const needs = views.flatMap(({ id, statement }) =>
      views.filter((other) => other.id !== id && statement.includes(quoted(other.id))).map((other) => [id, other.id] as const),
    );
    return inOrder(views, needs).map(({ statement }) => plain(statement));
  }

  async routines(): Promise<string[]> {
    const found = await this.session.query(
      `select routine_name as name, routine_type as kind from information_schema.routines where routine_schema = ${text(this.database)} order by routine_type, routine_name`,
    );
    const made: string[] = [];
    for (const { name, kind } of found) {
      if (kind === "PROCEDURE") made.push(await this.bodied(`show create procedure ${quoted(name ?? "")}`, "Create Procedure"));
      else if (kind === "FUNCTION") made.push(await this.bodied(`show create function ${quoted(name ?? "")}`, "Create Function"));
      else this.notTold.push(`the ${kind?.toLowerCase()} ${name}`);
    }
    return made;
  }

  async triggers(): Promise<string[]> {
    const made: string[] = [];
    const names = await this.names(
      "trigger_name",
      "triggers",
      "trigger_schema",
      "true",
      "event_object_table, action_timing, event_manipulation, action_order",
    );
    for (const name of names) made.push(await this.bodied(`show create trigger ${quoted(name)}`, "SQL Original Statement"));
    return made;
  }

  async events(): Promise<string[]> {
    const made: string[] = [];
    for (const name of await this.names("event_name", "events", "event_schema"))
      made.push(await this.bodied(`show create event ${quoted(name)}`, "Create Event"));
    return made;
  }

  /** Without these the server answers as if there were nothing. */
  async rights(): Promise<void> {
    const grantee = "concat('''', replace(current_user(), '@', '''@'''), '''')";
    const granted = await this.session.query(`
      select privilege_type as name from information_schema.user_privileges where grantee = ${grantee}
      union select privilege_type from information_schema.schema_privileges where grantee = ${grantee} and ${text(this.database)} like table_schema`);
    const lacks = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "CREATE ROUTINE"].filter(
      (wanted) => !granted.some(({ name }) => name === wanted),
    );
    if (lacks.length > 0) this.notTold.push(`what the user may not see: it lacks ${lacks.join(", ")}`);
  }

  private async names(column: string, view: string, schema: string, condition = "true", order = column): Promise<string[]> {
    const rows = await this.session.query(
      `select ${column} as name from information_schema.${view} where ${schema} = ${text(this.database)} and ${condition} order by ${order}`,
    );
    return rows.map(({ name }) => name ?? "");
  }

  private async shown(sql: string, column: string): Promise<string> {
    const [row] = await this.session.query(sql);
    const statement = row?.[column];
    if (!statement) this.notTold.push(`${sql.replace("show create ", "the ")}: the user may not see its definition`);
    return statement ?? "DO 0";
  }

  /** In the modes it was made under; the client is told where it ends. */
  private async bodied(sql: string, column: string): Promise<string> {
    const [row] = await this.session.query(sql);
    const statement = row?.[column];
    if (!statement) {
      this.notTold.push(`${sql.replace("show create ", "the ")}: the user may not see its definition`);
      return "";
    }
    if (statement.includes(END)) this.notTold.push(`${sql.replace("show create ", "the ")}: ${END} stands in it`);
    return `SET sql_mode = '${row?.sql_mode ?? ""}';\nDELIMITER ${END}\n${withoutDefiner(statement)}${END}\nDELIMITER ;\nSET sql_mode = '';\n`;
  }
}
