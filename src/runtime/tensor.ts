/**
 * Tensors: a shape, a layout and a place in GPU memory.
 *
 * @module
 */
import type { Gpu } from "./device.ts";

/** Points in one block of the `blocks` layout. */
export const blockPoints = 64;

/**
 * How a tensor's numbers lie in memory.
 *
 * - `rows`: C order.
 * - `blocks`: for `(scenes, points, channels)`: each scene's points in blocks of 64, a block's channels one after the
 *   other, 64 numbers each: `[scenes][ceil(points/64)][channels][64]`. A block never holds points of two scenes. The
 *   lanes behind a scene's last point are padding: any value, never read by another lane.
 */
export type Layout = "rows" | "blocks";

/** A tensor of 4-byte numbers on the GPU. */
export interface Tensor {
  /** Path in the model or plan: `dynamic.blocks.0.fc_0`. */
  readonly label: string;
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Numbers in memory, padding included. */
  readonly size: number;
  /** Whether a loss is differentiated with respect to it. */
  readonly requiresGradient: boolean;
  /** Its memory: at once for what outlives a plan, given by {@link Plan.build} for activations. */
  memory?: Memory | undefined;
}

/** Whether something is a tensor, not plain numbers. */
export function isTensor(value: object): value is Tensor {
  const { label, shape } = value as Partial<Tensor>;
  return typeof label === "string" && Array.isArray(shape);
}

/** A range of a GPU buffer. */
export interface Memory {
  readonly buffer: GPUBuffer;
  /** Bytes. */
  readonly offset: number;
}

/** Blocks of 64 that hold the points of one scene. */
export function blocksOf(points: number): number {
  return Math.ceil(points / blockPoints);
}

/** Numbers in memory of a shape in a layout. */
export function sizeOf(shape: readonly number[], layout: Layout): number {
  if (layout === "rows") return shape.reduce((product, length) => product * length, 1);
  const [scenes, points, channels] = shape;
  return scenes * blocksOf(points) * blockPoints * channels;
}

/** Options of {@link createTensor}. */
export interface TensorOptions {
  layout?: Layout | undefined;
  requiresGradient?: boolean | undefined;
  /** Also bindable as a uniform block. */
  uniform?: boolean;
  /** First values in memory order, or in C order of the shape for `blocks`. */
  data?: Float32Array | Uint32Array | Int32Array | Uint8Array;
}

/** Makes a GPU buffer and counts its bytes. */
export function createBuffer(
  gpu: Gpu,
  label: string,
  bytes: number,
  usage: GPUBufferUsageFlags,
): GPUBuffer {
  const size = Math.max(16, Math.ceil(bytes / 16) * 16);
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (size > limit) {
    throw new Error(
      `Cannot allocate "${label}": ${size} bytes, and this adapter binds at most ${limit}; ` +
        "use fewer rays or samples, or a smaller size",
    );
  }
  const buffer = gpu.device.createBuffer({ label, size, usage });
  gpu.allocatedBytes += size;
  gpu.peakBytes = Math.max(gpu.peakBytes, gpu.allocatedBytes);
  return buffer;
}

/** Frees a buffer and stops counting it. */
export function destroyBuffer(gpu: Gpu, buffer: GPUBuffer): void {
  gpu.allocatedBytes -= buffer.size;
  buffer.destroy();
}

/** Makes a tensor with memory of its own that lives until {@link destroyTensor}. */
export function createTensor(
  gpu: Gpu,
  label: string,
  shape: readonly number[],
  options: TensorOptions = {},
): Tensor {
  const layout = options.layout ?? "rows";
  const size = sizeOf(shape, layout);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC |
    (options.uniform ? GPUBufferUsage.UNIFORM : 0);
  const tensor: Tensor = {
    label,
    shape: [...shape],
    layout,
    size,
    requiresGradient: options.requiresGradient ?? false,
    memory: { buffer: createBuffer(gpu, label, size * 4, usage), offset: 0 },
  };
  if (options.data) writeTensor(gpu, tensor, options.data);
  return tensor;
}

/** Frees a tensor's own memory. */
export function destroyTensor(gpu: Gpu, tensor: Tensor): void {
  if (tensor.memory) destroyBuffer(gpu, tensor.memory.buffer);
  tensor.memory = undefined;
}

/** Writes numbers (C order of the shape) into a tensor that has memory. */
export function writeTensor(
  gpu: Gpu,
  tensor: Tensor,
  data: Float32Array | Uint32Array | Int32Array | Uint8Array,
): void {
  const words = tensor.layout === "blocks" && data instanceof Float32Array
    ? toBlocks(data, tensor.shape)
    : data;
  if (words.byteLength !== tensor.size * 4) {
    throw new Error(
      `Cannot write "${tensor.label}": it holds ${tensor.size} numbers (${
        tensor.shape.join(", ")
      }), given ${words.byteLength / 4}`,
    );
  }
  if (!tensor.memory) throw new Error(`Cannot write "${tensor.label}": it has no memory yet`);
  const { buffer, offset } = tensor.memory;
  gpu.device.queue.writeBuffer(
    buffer,
    offset,
    words.buffer as ArrayBuffer,
    words.byteOffset,
    words.byteLength,
  );
}

/** C order `(scenes, points, channels)` to blocks of 64 points; padding is zero. */
export function toBlocks(rows: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const blocks = new Float32Array(sizeOf(shape, "blocks"));
  forEachBlocked(shape, (row, block) => blocks[block] = rows[row]);
  return blocks;
}

/** Blocks of 64 points to C order `(scenes, points, channels)`. */
export function fromBlocks(
  blocks: Float32Array,
  shape: readonly number[],
): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(sizeOf(shape, "rows"));
  forEachBlocked(shape, (row, block) => rows[row] = blocks[block]);
  return rows;
}

function forEachBlocked(
  shape: readonly number[],
  visit: (row: number, block: number) => void,
): void {
  const [scenes, points, channels] = shape;
  for (let scene = 0, row = 0; scene < scenes; scene++) {
    for (let point = 0; point < points; point++) {
      const block = scene * blocksOf(points) + Math.floor(point / blockPoints);
      for (let channel = 0; channel < channels; channel++, row++) {
        visit(row, (block * channels + channel) * blockPoints + point % blockPoints);
      }
    }
  }
}
