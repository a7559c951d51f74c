/**
 * Inverse depth of frames by MiDaS v2.1 large: the frame to the network's size and back.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { resizeCubic } from "../../data/resize.ts";
import { MidasNetwork, midasStride, type NamedValues } from "./midas_network.ts";
import type { PieceProgress } from "../../nets/pieces.ts";
import type { Gpu } from "../../runtime/device.ts";

/** Options of {@link Midas.create}. */
export interface MidasOptions {
  /** Stops the writing of the weights, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Part of the weights that are written, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** Options of {@link Midas.depth}. */
export interface DepthOptions {
  /**
   * The longer side of what the network sees, in pixels; by default the frame's, as released. The network was trained at 384;
   * work and memory grow with its square.
   */
  readonly depthSize?: number | undefined;
  /** Stops the run after the current submit, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every submit. */
  readonly onProgress?: (progress: PieceProgress) => void;
}

/**
 * The size at which the network sees a frame: both sides as they are, or scaled so that the longer one is `depthSize`, and
 * down to multiples of 32; the picture is squeezed by up to 31 pixels a side (the release's rule).
 *
 * @returns width, height
 * @throws {RangeError} If a side would be under 32.
 */
export function midasSize(width: number, height: number, depthSize?: number): [number, number] {
  const longer = Math.max(width, height), size = depthSize ?? longer;
  const [across, down] = [width, height].map((side) =>
    Math.floor(side * size / longer / midasStride) * midasStride
  );
  if (across >= midasStride && down >= midasStride) return [across, down];
  const least = Math.ceil(midasStride * longer / Math.min(width, height));
  const remedy = Math.min(width, height) < midasStride && depthSize === undefined
    ? `wanted at least ${midasStride} pixels a side; give a depthSize of ${least} to enlarge it`
    : `wanted a depthSize of at least ${least}, so that both sides have ${midasStride} pixels`;
  throw new RangeError(
    `Cannot compute the depth of a frame of ${width} x ${height}` +
      `${depthSize === undefined ? "" : ` at depthSize ${depthSize}`}: ${remedy}`,
  );
}

/**
 * MiDaS v2.1 large with its weights on a device.
 *
 * @example Open MiDaS from its official file
 * ```ts
 * import type { Gpu } from "../../../mod.ts";
 * import { loadWeightsFile, midasWeights } from "../../data/weights/mod.ts";
 * import { Midas } from "../mod.ts";
 *
 * async function openMidas(gpu: Gpu, path = "midas_v21-f6b98070.pt") {
 *   const { tensors } = await loadWeightsFile(path);
 *   return await Midas.create(gpu, midasWeights({ name: path, tensors }));
 * }
 * ```
 */
export class Midas {
  readonly #network: MidasNetwork;

  private constructor(network: MidasNetwork) {
    this.#network = network;
  }

  /**
   * Writes the weights, a layer at a time: 420 MB.
   *
   * @param gpu Where it runs.
   * @param weights By official name, from `midasWeights`; each is read once and not kept.
   * @throws {Error} If one is missing or of another size, the adapter has too little memory, or the run was aborted.
   */
  static async create(
    gpu: Gpu,
    weights: NamedValues,
    options: MidasOptions = {},
  ): Promise<Midas> {
    return new Midas(await MidasNetwork.create(gpu, weights, options));
  }

  /**
   * Inverse depth of a frame, up to a scale and a shift of its own.
   *
   * The frame is resized to the network's size and the result back, both by cubic interpolation: small negative values occur.
   *
   * @param frame `[height, width, 3]`, RGB, its numbers one behind the other.
   * @returns `[height, width]`: large is near.
   * @throws {RangeError} If a side is under 32, or the frame too large for the adapter; the message names a `depthSize`.
   */
  async depth(
    frame: NdArray<Uint8Array>,
    { depthSize, signal, onProgress }: DepthOptions = {},
  ): Promise<NdArray<Float32Array>> {
    const [height, width, channels] = frame.shape;
    if (frame.shape.length !== 3 || channels !== 3) {
      throw new RangeError(
        `Cannot compute the depth of a frame of shape (${frame.shape.join(", ")}): ` +
          "wanted (height, width, 3)",
      );
    }
    const [across, down] = midasSize(width, height, depthSize);
    this.#requireRoom(width, height, across * down);
    const { data, offset, size } = frame; // a frame may be picked from a video
    const picture = ndarray(data.subarray(offset, offset + size), frame.shape);
    const resized = resizeCubic(picture, across, down);
    const image = ndarray(resized.data.map((value) => value / 255), resized.shape);
    const result = await this.#network.run(image, { signal, onProgress });
    return resizeCubic(result, width, height);
  }

  /** The largest maps have 256 channels at a quarter of the size. */
  #requireRoom(width: number, height: number, pixels: number): void {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.#network.gpu.device.limits;
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize) / mapBytes;
    if (pixels <= most) return;
    const ratio = Math.max(width, height) / Math.min(width, height);
    throw new RangeError(
      `Cannot compute the depth of a frame of ${width} x ${height}: its maps take ` +
        `${Math.ceil(pixels * mapBytes / 1e6)} MB each, and this adapter binds at most ` +
        `${Math.floor(most * mapBytes / 1e6)}; give a depthSize of at most ${
          Math.floor(Math.sqrt(most * ratio))
        }`,
    );
  }

  /** Frees the weights. */
  destroy(): void {
    this.#network.destroy();
  }
}

const mapBytes = 256 / 16 * 4; // a pixel of the network's input
