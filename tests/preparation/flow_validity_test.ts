import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { flowConsistency, flowValidity } from "../../src/preparation/flow_validity.ts";
import { expectClose, loadCase } from "../support/goldens.ts";

Deno.test("flowConsistency() gives the golden warps, margins and masks", async () => {
  const golden = await loadCase("prep/consistency");
  const found: Record<string, NdArray<Float32Array | Uint8Array>> = {};
  for (const pair of ["near", "far"]) {
    const fwd = golden.input(`consistency/${pair}/fwd`);
    const bwd = golden.input(`consistency/${pair}/bwd`);
    for (const [direction, flow, opposite] of [["fwd", fwd, bwd], ["bwd", bwd, fwd]] as const) {
      const { warped, margin, valid } = flowConsistency(flow, opposite);
      found[`${pair}/${direction}/warped`] = warped;
      found[`${pair}/${direction}/margin`] = margin;
      found[`${pair}/${direction}/mask`] = valid;
    }
  }
  assertEquals(Object.keys(found).sort(), golden.keys.toSorted());
  expectClose(golden, found as Record<string, NdArray<Float32Array>>, 1);
});

/** `[height, width, 2]`, everywhere the same vector. */
function constant(height: number, width: number, x: number, y: number): NdArray<Float32Array> {
  const data = Float32Array.from({ length: height * width * 2 }, (_, i) => i % 2 ? y : x);
  return ndarray(data, [height, width, 2]);
}

Deno.test("flowValidity() trusts what comes back, and short flow out of the picture", () => {
  const row = (flow: NdArray<Float32Array>, opposite: NdArray<Float32Array>) =>
    flowValidity(flow, opposite).data.subarray(flow.shape[1], 2 * flow.shape[1]).join("");
  assertEquals(row(constant(3, 6, 2, 0), constant(3, 6, -2, 0)), "111100");
  assertEquals(row(constant(3, 6, 2, 0), constant(3, 6, 2, 0)), "000000");
  assertEquals(row(constant(3, 6, 0.75, 0), constant(3, 6, 0.75, 0)), "000001", "0.75 < 0.875");
});

Deno.test("flowConsistency() looks 1/32 pixel apart, from the middle at the even one", () => {
  const opposite = constant(1, 9, 0, 0);
  for (let x = 0; x < 9; x++) opposite.set(0, x, 0, x * x);
  const at4 = (x: number) => flowConsistency(constant(1, 9, x, 0), opposite).warped.get(0, 4, 0);
  assertEquals(at4(1 / 64), at4(0), "128.5 / 32");
  assertEquals(at4(3 / 64), at4(2 / 32), "129.5 / 32");
  assert(at4(1 / 32) > at4(0) && at4(2 / 32) > at4(1 / 32));
});

Deno.test("flowValidity() does not trust what is not finite", () => {
  const flow = constant(2, 2, 0, 0);
  flow.data.set([NaN, 0, Infinity, 0, 0, -Infinity]);
  assertEquals([...flowValidity(flow, constant(2, 2, 0, 0)).data], [0, 0, 0, 1]);
  assertThrows(
    () => flowValidity(flow, constant(2, 3, 0, 0)),
    RangeError,
    "Cannot check flow (2,2,2) against (2,3,2)",
  );
});
