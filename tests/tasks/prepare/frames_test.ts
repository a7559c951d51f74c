import { assertEquals } from "@std/assert";
import { strideOf } from "../../../tasks/prepare/frames.ts";
import { naturalOrder } from "../../../tasks/prepare/natural_order.ts";

Deno.test("strideOf() keeps at most so many frames, as the specification's table has it", () => {
  const kept = (frames: number) => Math.ceil(frames / strideOf(frames, 100));
  assertEquals([12, 100, 101, 199, 201, 1001].map(kept), [12, 100, 51, 100, 67, 91]);
  assertEquals(strideOf(3, 100), 1);
});

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
