import fc from "fast-check";
import { expect, test } from "vitest";
import { safeSubject } from "../../aws/mail.ts";
import { diagnose } from "../../core/diagnosis.ts";
import { writeMail } from "../../core/mail.ts";
import { decisionNews } from "../../core/news.ts";
import { decide } from "../../core/rules.ts";
import { killed, NOW, orphan, POLICY, standby } from "./facts.ts";

const refused = killed({ standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 101_000, rowsChanged: 940 }) })] });
const news = decisionNews(decide(refused, diagnose(refused, POLICY), POLICY), refused, diagnose(refused, POLICY));

test("the mail of a refusal says the reason first and what to do last", () => {
  expect(writeMail(news, "corner-shop")).toEqual({
    subject: "[corner-shop] shop: needs you",
    text: [
      "Refused: the standby shop-b is 94 s behind, the limit is 30 s. (rule 303)",
      "",
      "  Diagnosis          PrimaryDown",
      "  Primary on record  shop-a (generation 1)",
      "  Standbys           shop-b",
      "  Probe's vote       lost, 0.5 s before this",
      '  RDS says           "available"',
      "  Waiting takes      RDS restarts a crashed instance by itself: AWS states no",
      "                     time, a Multi-AZ instance typically takes 60 to 120 s",
      "  Behind: shop-b     94 s of writes, at most about 60 rows",
      "",
      "What to do: Look at the primary and the standby now: nothing was changed, and",
      "nothing will be until the reason above is gone, or until a person passes over",
      "rule 303 this once:",
      "",
      '  npm run understudy -- failover shop --override 303 --reason "WHY"',
      "",
      "At 2026-11-21T09:00:00.000Z (UTC).",
      "Understudy, watching corner-shop. Reference: shop-g1-r303-2026-11-21T08:59:55.000Z",
      "",
    ].join("\n"),
  });
});

test("a refusal repeated each minute has one reference, so people read it once", () => {
  const later = decisionNews(
    decide(refused, diagnose(refused, POLICY), POLICY),
    { ...refused, atMs: NOW + 60_000 },
    diagnose(refused, POLICY),
  );
  expect(later.id).toBe(news.id);
});

test("whatever a database's error says, SNS takes the subject", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const subject = safeSubject(`lost: ${text}`);
      expect(subject.length).toBeLessThan(100);
      expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
    }),
  );
});
