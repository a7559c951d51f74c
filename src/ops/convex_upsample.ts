/**
 * Flow at full size: each fine pixel a convex combination of its 3 × 3 coarse neighbours (RAFT, Teed and Deng 2020).
 *
 * @module
 */
import text from "../../wgsl/ops/convex_upsample.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/convex_upsample.wgsl", text);

/** Fine pixels a coarse one has, both ways. */
export const upsampling = 8;

/** Fine pixels that are wanted. */
export interface FineWindow {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Records `y[8Y + sy, 8X + sx] = Σ_k softmax_k(logits[64k + 8sy + sx])·8·flow[Y + ⌊k/3⌋ − 1, X + k mod 3 − 1]`, k = 0…8, flow zero
 * outside. For inference only.
 *
 * @param logits `(1, height·width, 576)` in blocks
 * @param flow `(1, height·width, 2)` in blocks, in coarse pixels
 * @param window what of the `8·height × 8·width` fine pixels is written
 * @returns `(window.height, window.width, 2)` rows, in fine pixels
 */
export function convexUpsample(
  plan: Plan,
  label: string,
  { logits, flow, height, width }: { logits: Tensor; flow: Tensor; height: number; width: number },
  window: FineWindow,
): Tensor {
  const op = new Operation(plan, "convexUpsample", label, kernel);
  op.expect({ logits }, "blocks", [1, height * width, 576]);
  op.expect({ flow }, "blocks", [1, height * width, 2]);
  op.expectFrozen({ logits, flow });
  const { top, left } = window;
  const [bottom, right] = [top + window.height, left + window.width];
  if (top < 0 || left < 0 || bottom > upsampling * height || right > upsampling * width) {
    throw op.error(
      `the window is rows ${top} to ${bottom} and columns ${left} to ${right}, ` +
        `wanted within ${upsampling * height} x ${upsampling * width}`,
    );
  }
  const y = op.output([window.height, window.width, 2], "rows", [logits, flow]);
  const dims = { height, width, top, left, y_height: window.height, y_width: window.width };
  const workgroups = [blocksOf(height * width), upsampling ** 2] as const;
  op.run("forward", { dims, logits, flow, y }, workgroups, { part: "" });
  return y;
}
