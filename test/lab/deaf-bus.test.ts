import { expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";

test("the event bus takes no news: the move still ends, and an alarm mails that news was lost (S28)", async () => {
  const shop = await Shop.open();
  const deaf = await shop.lab.faults.inject({ fault: "error5xx", service: "events", operation: "PutEvents" });
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  const mail = await waitFor("the alarm's mail", 150_000, () => shop.lab.mail.mails.find(({ subject }) => subject.includes("news-lost")));
  expect(mail.text.replace(/\s+/g, " ")).toContain("the event bus did not take it");
  await deaf.stop();
}, 240_000);
