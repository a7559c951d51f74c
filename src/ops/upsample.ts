/**
 * Feature maps at twice their size, whole or in bands of rows where whole ones are too large.
 *
 * @module
 */
import text from "../../wgsl/ops/upsample.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps, mapsLike } from "./frame_maps.ts";

const kernel = defineKernel("wgsl/ops/upsample.wgsl", text);

/** Rows of a frame. */
export interface Band {
  /** The first; rows before 0 and behind the frame's last are zero. */
  readonly first: number;
  /** How many. */
  readonly rows: number;
}

/** Options of {@link upsample}. */
export interface UpsampleOptions {
  /** What meets what: corners meet corners, `p·(n − 1)/(2n − 1)`, or pixels' centres lie evenly, `max(0, (p + ½)/2 − ½)`. */
  readonly align: "corners" | "centers";
  /** Where x is a band: the frame's rows, and which of them is x's first. Default: x is the whole frame. */
  readonly source?: { readonly height: number; readonly first: number };
  /** Rows of the upsampled frame that are wanted; default all of them. */
  readonly band?: Band;
}

/** The rows of a frame that rows of the upsampled frame are made of, with `align: "centers"`. */
export function sourceRows(height: number, { first, rows }: Band): Band {
  const lower = (row: number) => Math.floor(Math.max(0, 2 * row - 1) / 4);
  const start = lower(Math.min(Math.max(first, 0), 2 * height - 1));
  const last = lower(Math.min(Math.max(first + rows - 1, 0), 2 * height - 1)) + 1;
  return { first: start, rows: Math.min(last, height - 1) - start + 1 };
}

/**
 * Records x at twice its height and width, bilinear between neighbours. For inference only.
 *
 * @returns maps of `2·height × 2·width`, or of the band's rows; rows outside the frame are zero
 * @throws where a gradient is required
 */
export function upsample(
  plan: Plan,
  label: string,
  x: FrameMaps,
  { align, source = { height: x.height, first: 0 }, band }: UpsampleOptions,
): FrameMaps {
  const op = new Operation(plan, "upsample", label, kernel);
  expectFrameMaps(op, { x });
  const frames = x.frames.flat();
  for (const frame of frames) op.expectFrozen({ x: frame });
  const { first, rows } = band ?? { first: 0, rows: 2 * source.height };
  const y = mapsLike(op, x, { height: rows, width: 2 * x.width }, frames);
  const dims = {
    channels: x.channels,
    height: source.height,
    width: x.width,
    in_first: source.first,
    in_rows: x.height,
    first,
    rows,
    corners: align === "corners" ? 1 : 0,
  };
  const outputs = y.frames.flat();
  const workgroups = [blocksOf(rows * y.width), Math.ceil(x.channels / 8)] as const;
  frames.forEach((frame, f) => op.run("forward", { dims, x: frame, y: outputs[f] }, workgroups));
  return y;
}
