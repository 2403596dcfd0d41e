import { test } from "vitest";
import { thereAndBack } from "./planned-story.ts";
import { Shop } from "./shop.ts";

test("a switchover under write load and the way back: nothing lost, nothing doubled, a new standby each time (S23)", async () => {
  const shop = await Shop.open();
  await thereAndBack(shop, shop.traffic());
});
