/**
 * Encoded features between the GPU and a cache: what decides them, hashed, and their tensors there and back.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { FeatureCache, FeatureTensor } from "../data/run/feature_cache.ts";
import { sha256 } from "../data/sha256.ts";
import type { ParameterGroup } from "../nets/parameters.ts";
import { type Gpu, throwDeviceErrors } from "../runtime/device.ts";
import { readBytes, readTensor } from "../runtime/readback.ts";
import {
  createTensor,
  destroyTensor,
  type Layout,
  type Tensor,
  writeTensor,
} from "../runtime/tensor.ts";

/** Raise this where encoders are changed to give other features of the same frames, parameters and settings. */
const version = 1;

/** A tensor of features, as the fields read it. */
export interface FeatureSpec extends FeatureTensor {
  readonly layout: Layout;
}

/** What decides the features of a batch. */
export interface FeatureSources {
  /** `video` or `image`. */
  readonly encoder: string;
  readonly group: ParameterGroup;
  /** By scene, in order: batch statistics make a scene's features depend on its companions. */
  readonly frames: readonly NdArray<Float32Array | Uint8Array>[];
  /** All else: plain values. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** SHA-256 of everything that decides features; adapters are part of it, as they differ in the last digits. */
export async function featureKey(gpu: Gpu, sources: FeatureSources): Promise<string> {
  const { encoder, group, frames, settings } = sources;
  const [parameters] = await readBytes(gpu, [group.values]);
  const facts = {
    version,
    adapter: gpu.description,
    encoder,
    settings,
    parameters: {
      shapes: group.specs.map(({ name, shape }) => [name, shape]),
      sha256: await sha256(new Uint8Array(parameters)),
    },
    frames: await Promise.all(frames.map(async ({ data, shape, offset, size }) => ({
      shape,
      type: data.constructor.name,
      sha256: await sha256(bytesOf(data.subarray(offset, offset + size))),
    }))),
  };
  return await sha256(new TextEncoder().encode(JSON.stringify(facts)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array) {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

// Small pieces, so that the driver uses the same staging memory again: fresh memory takes longer than the copy.
const pieceBytes = 2 ** 22, submitBytes = 2 ** 25, bytesAhead = 2 ** 28; // of one write, of a submit, and before a wait

/** Writes numbers into a tensor of rows. */
function upload(gpu: Gpu, { memory }: Tensor, data: Float32Array): void {
  const { queue } = gpu.device;
  for (let at = 0; at < data.byteLength; at += pieceBytes) {
    const piece = new Uint8Array(
      data.buffer as ArrayBuffer,
      data.byteOffset + at,
      Math.min(pieceBytes, data.byteLength - at),
    );
    queue.writeBuffer(memory!.buffer, memory!.offset + at, piece);
    if ((at + pieceBytes) % submitBytes === 0) queue.submit([]);
  }
}

/** Tensors with the features that a cache has under a key, or undefined where it has none. */
export async function readFeatures(
  gpu: Gpu,
  cache: FeatureCache,
  key: string,
  specs: readonly FeatureSpec[],
  onTensor: (done: number) => void = () => {},
): Promise<Tensor[] | undefined> {
  const tensors: Tensor[] = [];
  let ahead = 0;
  const settle = async () => {
    gpu.device.queue.submit([]);
    await Promise.race([gpu.device.queue.onSubmittedWorkDone(), gpu.lost]);
    throwDeviceErrors(gpu, "upload encoded features");
    ahead = 0;
  };
  const free = () => tensors.forEach((tensor) => destroyTensor(gpu, tensor));
  try {
    const whole = await cache.read(key, specs, async (data, i) => {
      const { name, shape, layout } = specs[i];
      const tensor = createTensor(gpu, name, shape, { layout });
      tensors.push(tensor);
      if (layout === "rows") upload(gpu, tensor, data);
      else writeTensor(gpu, tensor, data);
      ahead += data.byteLength;
      if (ahead >= bytesAhead) await settle();
      onTensor(i + 1);
    });
    if (whole) {
      await settle();
      return tensors;
    }
  } catch (error) {
    free();
    throw error;
  }
  free();
}

/** Puts features into a cache. */
export async function writeFeatures(
  gpu: Gpu,
  cache: FeatureCache,
  key: string,
  specs: readonly FeatureSpec[],
  tensors: readonly Tensor[],
): Promise<void> {
  await cache.write(key, specs, (i) => readTensor(gpu, tensors[i]));
}
