import fc from "fast-check";
import { expect, test } from "vitest";
import { troubleNews } from "../../core/trouble-news.ts";

const trouble = (index: number, kind = "unprotected") => ({
  finding: { id: `volume-${index}`, kind, sentence: `The volume ${index} is nobody's.`, next: "Excuse it.", commands: ["look"] },
  sinceMs: 1_000,
});
const all = (count: number) => Array.from({ length: count }, (_, index) => trouble(index));

test("a few troubles are a mail each", () => {
  const news = troubleNews("(no database)", { begun: [...all(3), trouble(9, "orphan")], over: [] }, 2_000);
  expect(news.map(({ id }) => id)).toEqual(["volume-0", "volume-1", "volume-2", "volume-9"].map((id) => `${id}-197001010000`));
});

test("three hundred volumes nobody thought of: one mail, which names fifty and says how many more (R46)", () => {
  const [mail, ...others] = troubleNews("(no database)", { begun: all(300), over: [] }, 2_000);
  expect(others).toEqual([]);
  expect(mail).toMatchObject({ sentence: "300 at once: unprotected.", next: "Excuse it.", commands: ["look"] });
  expect(mail?.details).toHaveLength(51);
  expect(mail?.details.at(-1)).toEqual(["And", "250 more"]);
  expect(troubleNews("(no database)", { begun: all(300), over: [] }, 9_000)[0]?.id).toBe(mail?.id);
});

test("they are excused: one mail says so", () => {
  const over = all(8).map(({ finding: { id, sentence }, sinceMs }) => ({ id, sentence, sinceMs, tellings: 2 }));
  const news = troubleNews("shop", { begun: [], over }, 2_000);
  expect(news).toHaveLength(1);
  expect(news[0]?.details[0]).toEqual(["1", "No longer so: The volume 0 is nobody's."]);
});

test("up to fifty of a kind, every sentence is told, in few mails", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("missing", "wrong key", "orphan"), { maxLength: 50 }), (kinds) => {
      const begun = kinds.map((kind, index) => trouble(index, kind));
      const news = troubleNews("shop", { begun, over: [] }, 2_000);
      const told = news.map(({ sentence, details }) => [sentence, ...details.map(([, text]) => text)].join("\n")).join("\n");
      for (const { finding } of begun) expect(told).toContain(finding.sentence);
      expect(news.length).toBeLessThanOrEqual(15);
      expect(new Set(news.map(({ id }) => id)).size).toBe(news.length);
    }),
  );
});
