import { assertEquals } from "@std/assert";
import { naturalOrder } from "../../src/data/natural_order.ts";

Deno.test("naturalOrder() counts", () => {
  const names = ["shot 10.png", "shot 9.png", "Shot 1.png", "a.png", "shot 010.png"];
  assertEquals(naturalOrder(names), [
    "a.png",
    "Shot 1.png",
    "shot 9.png",
    "shot 010.png",
    "shot 10.png",
  ]);
});
