/**
 * Gates: parts of a plan that run only where a number on the GPU says so.
 *
 * The list of dispatches stays the same; those behind a gate take their workgroups from a buffer that one small dispatch
 * fills with the recorded counts or with zeros. A closed gate costs nearly nothing and no readback.
 *
 * @module
 */
import text from "../../wgsl/runtime/gate.wgsl" with { type: "text" };
import type { Gpu } from "./device.ts";
import { defineKernel, type Kernel } from "./kernel.ts";
import { createBuffer, type Tensor } from "./tensor.ts";

/** `open`: workgroups or zeros, as a flag says. */
export const gateKernel: Kernel = defineKernel("wgsl/runtime/gate.wgsl", text);

/** Workgroups in three dimensions. */
export type Workgroups = readonly [number, number, number];

/** A gate of a plan, and the workgroups of the dispatches behind it. */
export class Gate {
  /** `(dispatches, 4)` rows of u32: the workgroups as recorded. */
  readonly counts: Tensor;
  /** The same, or zeros. */
  readonly args: Tensor;
  readonly #slots = new Map<string, number>();

  constructor(label: string) {
    const table = (name: string): Tensor => ({
      label: `${label}.${name}`,
      shape: [0, 4],
      layout: "rows",
      size: 0,
      requiresGradient: false,
    });
    this.counts = table("counts");
    this.args = table("args");
  }

  /** Byte offset in {@link args} of a dispatch's workgroups. */
  offsetOf(workgroups: Workgroups): number {
    const key = workgroups.join();
    const slot = this.#slots.get(key) ?? this.#slots.size;
    this.#slots.set(key, slot);
    return 16 * slot;
  }

  /** Gives both tables their memory, once every dispatch has its offset. */
  place(gpu: Gpu): GPUBuffer[] {
    const { STORAGE, INDIRECT, COPY_DST } = GPUBufferUsage;
    const bytes = 16 * Math.max(1, this.#slots.size);
    const make = (table: Tensor, usage: GPUBufferUsageFlags): GPUBuffer => {
      const buffer = createBuffer(gpu, table.label, bytes, usage);
      Object.assign(table, { size: bytes / 4, memory: { buffer, offset: 0 } });
      return buffer;
    };
    const counts = make(this.counts, STORAGE | COPY_DST);
    const rows = [...this.#slots.keys()].flatMap((key) => [...key.split(",").map(Number), 0]);
    gpu.device.queue.writeBuffer(counts, 0, Uint32Array.from(rows));
    return [counts, make(this.args, STORAGE | INDIRECT)];
  }
}
