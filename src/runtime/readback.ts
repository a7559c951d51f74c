/**
 * Reading GPU memory.
 *
 * @module
 */
import { type Gpu, throwDeviceErrors } from "./device.ts";
import { fromBlocks, type Tensor } from "./tensor.ts";

/** The bytes of tensors in memory order, read with one wait. */
export async function readBytes(
  gpu: Gpu,
  tensors: readonly Tensor[],
): Promise<ArrayBuffer[]> {
  const sizes = tensors.map((tensor) => tensor.size * 4);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const staging = gpu.device.createBuffer({
    label: "readback",
    size: Math.max(4, total),
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = gpu.device.createCommandEncoder({ label: "readback" });
  let at = 0;
  tensors.forEach((tensor, i) => {
    if (!tensor.memory) throw new Error(`Cannot read "${tensor.label}": it has no memory`);
    encoder.copyBufferToBuffer(tensor.memory.buffer, tensor.memory.offset, staging, at, sizes[i]);
    at += sizes[i];
  });
  gpu.device.queue.submit([encoder.finish()]);
  await Promise.race([staging.mapAsync(GPUMapMode.READ), gpu.lost]);
  throwDeviceErrors(gpu, `read ${tensors.map((tensor) => `"${tensor.label}"`).join(", ")}`);
  const bytes = staging.getMappedRange();
  at = 0;
  const parts = sizes.map((size) => bytes.slice(at, at += size));
  staging.destroy();
  return parts;
}

/** Tensors' float32 values in C order of their shapes, read with one wait. */
export async function readTensors(
  gpu: Gpu,
  ...tensors: readonly Tensor[]
): Promise<Float32Array<ArrayBuffer>[]> {
  return (await readBytes(gpu, tensors)).map((bytes, i) => {
    const values = new Float32Array(bytes);
    return tensors[i].layout === "blocks" ? fromBlocks(values, tensors[i].shape) : values;
  });
}

/** One tensor's float32 values in C order of its shape. */
export async function readTensor(gpu: Gpu, tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
  return (await readTensors(gpu, tensor))[0];
}
