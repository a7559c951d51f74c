/**
 * The plan's own kernels: fill, and copy or add.
 *
 * @module
 */
import text from "../../wgsl/runtime/arithmetic.wgsl" with { type: "text" };
import { defineKernel, type Kernel } from "./kernel.ts";

/** `fill`: y = value; `copy`: y = x or y += x. */
export const arithmetic: Kernel = defineKernel("wgsl/runtime/arithmetic.wgsl", text);
