/** `npm run fault`: breaks something in a lab that is running, lists what is broken, and mends it. Speaks to the lab's own HTTP paths. */
import { faultFromWords, vocabularyText } from "../lab/faults/words.ts";
import { endWell } from "./endings.ts";

const HELP = `npm run fault -- WORD --field value … [--endpoint URL]
npm run fault -- list | clear | stop ID  [--endpoint URL]

The endpoint is the one npm run lab prints; AWS_ENDPOINT_URL serves too. Words:

${vocabularyText()}

forMs ends a fault by itself; times and rate (probability, of events) say how often it strikes. A * in the name of a function or an
operation stands for any letters.`;

await endWell(async () => {
  const words = process.argv.slice(2);
  if (words.length === 0 || words.includes("--help")) return console.log(HELP);
  const { fault, rest } = faultFromWords(words[0] === "stop" ? ["stop", ...words.slice(2)] : words, ["endpoint"]);
  const endpoint = rest.endpoint ?? process.env.AWS_ENDPOINT_URL;
  if (!endpoint) throw new Error("--endpoint is missing: expected the address npm run lab printed, like http://127.0.0.1:4566.");
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(new URL(`/_lab/${path}`, endpoint), {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
    }).catch((error: Error & { cause?: Error }) => {
      throw new Error(`No lab answers at ${endpoint}: ${error.cause?.message ?? error.message}.`);
    });
    const said = (await answer.json().catch(() => ({ error: `${endpoint} is no lab: it answered ${answer.status}.` }))) as Answer;
    if (!answer.ok) throw new Error(said.error ?? `The lab answered ${answer.status}.`);
    return said;
  };

  if (fault.fault === "list") {
    const { faults = [] } = await ask("GET", "faults");
    for (const each of faults) console.log(`${each.id}  struck ${each.strikes} times  ${JSON.stringify(each.fault)}`);
    if (faults.length === 0) console.log("Nothing is broken on purpose.");
  } else if (fault.fault === "clear") {
    const { ended } = await ask("DELETE", "faults");
    console.log(`Ended: ${(ended as string[]).join(", ") || "nothing was broken"}.`);
  } else if (fault.fault === "stop") {
    const id = words[1] ?? "";
    if (!/^f\d+$/.test(id)) throw new Error(`"${id}" is no fault's id: expected one that npm run fault -- list shows, like f1.`);
    await ask("DELETE", `faults/${id}`);
    console.log(`Ended: ${id}.`);
  } else {
    const { id } = await ask("POST", "faults", fault);
    console.log(`${id} is in force: ${JSON.stringify(fault)}`);
  }
});

interface Answer {
  readonly id?: string;
  readonly error?: string;
  readonly ended?: unknown;
  readonly faults?: readonly { readonly id: string; readonly strikes: number; readonly fault: unknown }[];
}
