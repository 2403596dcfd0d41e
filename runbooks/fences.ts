/**
 * The watch over former primaries: each stays fenced until a person has dealt with it, whoever opened it and however long after the
 * move. Also fences, once it can, what could not be fenced when its region was dark. Opening one on purpose takes a pause.
 */
import { isNoAnswer } from "../aws/errors.ts";
import { reboot, setSecurityGroups, stopInstance } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { DatabaseRecord, Facts, InstanceFacts, Retired } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { attemptWrite, engineOf, refusedWrite } from "../databases/engines.ts";
import { endpointOf, LOOK_MS, targetOf, tryDescribe } from "./observe.ts";
import { changeRecord } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";
import { tell } from "./tell.ts";

/** A fenced instance drops packets in silence, so the proof lasts as long as its patience. */
const FENCE_PROOF_MS = 500;
/**
 * Clients wait for a move's proof: it ends where nobody says a first word, and lasts as long as any look where somebody does. A first word
 * takes two round trips, of a quarter of a second between the regions that are farthest apart; an answer of a standby takes six at least.
 */
const FIRST_WORD_MS = { least: 50, most: 500 };

/** For how long nobody may say a first word at the old primary: twice what a standby beside it took to answer a moment ago, if one did. */
export function silenceOf({ record, standbys }: Pick<Facts, "record" | "standbys">, id: string): number {
  const beside = standbys.filter(({ region, answeredInMs }) => region === record.regions[id] && answeredInMs !== undefined);
  const slowest = Math.max(...beside.map(({ answeredInMs }) => answeredInMs as number));
  return beside.length === 0 ? FIRST_WORD_MS.most : Math.min(Math.max(2 * slowest, FIRST_WORD_MS.least), FIRST_WORD_MS.most);
}

/** In these an instance says nothing of its network: it answers nobody, and the watch looks again once it runs. */
export const STOPPED = ["stopping", "stopped"];

/** Nobody gets in but through the fence's group, and that admits nobody. */
export const isFenced = (instance: InstanceFacts, fenceGroup: string): boolean =>
  instance.securityGroups.length === 1 && instance.securityGroups[0] === `${fenceGroup}:active`;

const staysOn = (group: string) => !group.endsWith(":removing");
const groupId = (group: string) => group.split(":")[0] as string;

/** The groups the instance has or is getting. */
export const groupsOf = (instance: InstanceFacts): string[] => instance.securityGroups.filter(staysOn).map(groupId);

/** Looks at every former primary, and closes what is open. What cannot be looked at now is looked at on the next lap. */
export async function keepFences(settings: Settings, database: Protected, record: DatabaseRecord): Promise<void> {
  for (const retired of record.retired) {
    try {
      await keepFence(settings, database, record, retired);
    } catch (error) {
      console.error(JSON.stringify({ what: "fence not looked at", instance: retired.instance, error: String(error) }));
    }
  }
}

async function keepFence(settings: Settings, database: Protected, record: DatabaseRecord, retired: Retired): Promise<void> {
  const { instance: id } = retired;
  const region = record.regions[id] as string;
  const fence = database.plan.fenceSecurityGroups[region] as string;
  const instance = await tryDescribe(region, id);
  if (instance === "dark") return;
  if (instance === null) return await forget(settings, database, id);
  const paused = (record.pause?.untilMs ?? 0) > storeNowMs();
  if (isFenced(instance, fence)) {
    if (retired.stoppedAtMs !== undefined && instance.status === "available" && !paused)
      return await stopAgain(settings, database, retired, region);
    if (!retired.fenced && !paused) await proveAndNote(settings, database, retired, region, instance);
    return;
  }
  const target = await targetOf(settings, database, endpointOf(instance));
  const writes = target !== null && (await refusedWrite(engineOf(database.plan.engine), target, `fence-${id}`, FENCE_PROOF_MS)) === null;
  await tell(settings, openNews(record, retired, instance, writes, paused));
  if (paused) return;
  if (groupsOf(instance).join() !== fence) await setSecurityGroups(region, id, [fence]);
  await changeRecord(settings, database, (now) => noted(now, id, false));
}

/** Sessions that were open before the fence came outlive it until they are cut (EC2: connection tracking). */
async function proveAndNote(
  settings: Settings,
  database: Protected,
  retired: Retired,
  region: string,
  instance: InstanceFacts,
): Promise<void> {
  const { instance: id } = retired;
  if (instance.status === "available") await reboot(region, id).catch(unlessDark);
  const target = await targetOf(settings, database, endpointOf(instance));
  // Whoever refuses has been reached: a server that restarts, or that takes no old password, does so through an open network too.
  const attempt = target && (await attemptWrite(engineOf(database.plan.engine), target, `fence-${id}`, LOOK_MS, FENCE_PROOF_MS));
  if (attempt?.wrote || (attempt?.answered && !STOPPED.includes(instance.status))) return;
  const silence = attempt?.seen ?? "it has no endpoint";
  await changeRecord(settings, database, (now) => noted(now, id, true));
  await tell(settings, {
    kind: "Fence Closed",
    id: `${id}-g${retired.generation}-closed-${Math.floor(storeNowMs() / 3_600_000)}`,
    database: database.name,
    atMs: storeNowMs(),
    sentence: `The former primary ${id} is fenced: it has no way in, its sessions were cut, and a write to it gets no answer (${silence}).`,
    details: [["Region", region]],
    next: "Nothing, unless you opened it: then pause Understudy first.",
  });
}

/** AWS starts a stopped instance after seven days. Its fence has held meanwhile: nobody got in. */
async function stopAgain(settings: Settings, database: Protected, { instance: id, generation }: Retired, region: string): Promise<void> {
  await stopInstance(region, id);
  await tell(settings, {
    kind: "Fence Closed",
    id: `${id}-g${generation}-stopped-${Math.floor(storeNowMs() / 3_600_000)}`,
    database: database.name,
    atMs: storeNowMs(),
    sentence: `The former primary ${id} had been stopped and runs again, as AWS starts it after seven days. Its fence had held, and it is stopped again.`,
    details: [["Region", region]],
    next: "Delete it if you need it no more. If you started it yourself, pause Understudy first.",
  });
}

function unlessDark(error: unknown): void {
  if (!isNoAnswer(error)) throw error;
}

const noted = (record: DatabaseRecord, id: string, fenced: boolean): DatabaseRecord | null =>
  record.retired.some((each) => each.instance === id && each.fenced !== fenced)
    ? { ...record, retired: record.retired.map((each) => (each.instance === id ? { ...each, fenced } : each)) }
    : null;

/** Somebody deleted it: there is nothing left to keep closed. */
async function forget(settings: Settings, database: Protected, id: string): Promise<void> {
  await changeRecord(settings, database, (now) => ({ ...now, retired: now.retired.filter(({ instance }) => instance !== id) }));
}

function openNews(record: DatabaseRecord, retired: Retired, instance: InstanceFacts, writes: boolean, paused: boolean): News {
  const { instance: id } = retired;
  const opened = writes ? `takes writes beside the primary ${record.primary}` : "has a way in again";
  return {
    kind: writes ? "Two Writers" : "Fence Open",
    id: `${id}-g${retired.generation}-${writes ? "writes" : "open"}-${Math.floor(storeNowMs() / 3_600_000)}`,
    database: record.database,
    atMs: storeNowMs(),
    sentence: `The former primary ${id} ${opened}: ${paused ? "Understudy is paused and leaves it open" : "it is being fenced again"}.`,
    details: [
      ["Instance", `${id}, ${instance.status}`],
      ["Security groups", instance.securityGroups.join(", ")],
      ["Retired", `${new Date(retired.atMs).toISOString()}, at generation ${retired.generation}`],
      ["Primary on record", `${record.primary} (generation ${record.generation})`],
    ],
    next: writes
      ? `Find out who wrote to ${id} since: those rows are not in ${record.primary}.`
      : `Find out who opened ${id}. To keep it open on purpose, pause Understudy.`,
  };
}
