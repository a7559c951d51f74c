/**
 * Which kernels multiply.
 *
 * @module
 */
import type { Gpu } from "../runtime/device.ts";

/** `registers`: no barrier, large register tiles; `tiled`: shared-memory tiles. */
export type ProductVariant = "registers" | "tiled";

/** The variant that suits an adapter. */
export function productVariant(gpu: Gpu): ProductVariant {
  return gpu.software ? "registers" : "tiled";
}
