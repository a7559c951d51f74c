/**
 * LPIPS: how different two pictures look, by the features of AlexNet (Zhang et al. 2018, version 0.1).
 *
 * `d = Σ_k mean_p Σ_c w[k, c]·(û[k, c, p] − v̂[k, c, p])²`, with û and v̂ the two pictures' features after the k-th of five
 * ReLUs, each pixel's scaled to length 1.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import text from "../../wgsl/evaluation/lpips.wgsl" with { type: "text" };
import { alexNetLayers, lpipsParameters } from "../data/weights/lpips_weights.ts";
import { resizeBilinear } from "../data/resize.ts";
import { ParameterGroup, type Parameters } from "../nets/parameters.ts";
import { relu } from "../ops/activation.ts";
import { conv } from "../ops/conv.ts";
import type { FrameMaps } from "../ops/frame_maps.ts";
import { maxPool } from "../ops/max_pool.ts";
import type { Gpu } from "../runtime/device.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { readTensors } from "../runtime/readback.ts";
import {
  blocksOf,
  createTensor,
  destroyTensor,
  type Tensor,
  writeTensor,
} from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/evaluation/lpips.wgsl", text);

/** Mean and deviation of RGB in −1…1 that LPIPS takes for ImageNet's. */
const mean = [-0.030, -0.088, -0.188], deviation = [0.458, 0.448, 0.450];

/** The least side of a picture: below it the second pool has no window. */
export const leastLpipsPixels = 31;

/** A picture `[height, width, 3]`, RGB: bytes, or numbers in 0…1. */
export type Picture = NdArray<Uint8Array | Float32Array>;

/** How different a picture looks from the true one. */
export interface LpipsScore {
  /** The sum of `terms`; 0 for equal pictures. */
  readonly distance: number;
  /** What each of the five layers adds. */
  readonly terms: readonly number[];
  /** The distance within a region; absent where none was given or it is empty. */
  readonly region?: number | undefined;
}

/** Records AlexNet's trunk on normalised pictures; its five ReLUs' outputs. */
export function recordAlexNet(plan: Plan, group: Parameters, pictures: FrameMaps): FrameMaps[] {
  const features: FrameMaps[] = [];
  let x = pictures;
  for (const [layer, { index, stride, padding }] of alexNetLayers.entries()) {
    const name = `features.${index}`;
    if (layer === 1 || layer === 2) x = maxPool(plan, `features.${index - 1}`, x, { padding: 0 });
    const y = conv(plan, name, x, group.get(`${name}.weight`), {
      stride,
      padding,
      bias: group.get(`${name}.bias`),
    });
    x = {
      ...y,
      frames: y.frames.map((scene, s) =>
        scene.map((frame, f) => relu(plan, `features.${index + 1}.${s}.${f}`, frame))
      ),
    };
    features.push(x);
  }
  return features;
}

/** The network for pictures of one size: what they are written to, and where their differences come out. */
interface Recorded {
  readonly key: string;
  readonly program: Program;
  /** The true picture, then the others. */
  readonly inputs: readonly Tensor[];
  /** By picture and layer, (height, width). */
  readonly maps: readonly (readonly Tensor[])[];
}

/** LPIPS with its weights on a device. */
export class Lpips {
  readonly #group: ParameterGroup;
  #recorded: Recorded | undefined;

  /**
   * Writes the weights.
   *
   * @param gpu Where it runs.
   * @param weights By official name, from `lpipsWeights`.
   * @throws {Error} If one is missing or of another size.
   */
  constructor(
    /** Where it runs. */
    readonly gpu: Gpu,
    weights: ReadonlyMap<string, Float32Array>,
  ) {
    const specs = lpipsParameters.map((parameter) => ({
      ...parameter,
      initial: { kind: "constant" as const, value: 0 },
    }));
    this.#group = new ParameterGroup(gpu, "lpips", specs, false);
    this.#group.write(weights);
  }

  /**
   * Compares pictures with the true one.
   *
   * The distance in a region is the mean of the spatial map over its pixels: each layer's map before its mean over places,
   * brought to the size of the picture by linear interpolation, and summed (`spatial=True` of the `lpips` package).
   *
   * @param pictures All of the size of `truth`, at least 31 × 31.
   * @param region `[height, width]`: anything but 0 is inside.
   * @throws {RangeError} If sizes differ or are too small.
   */
  async compare(
    pictures: readonly Picture[],
    truth: Picture,
    region?: NdArray<Uint8Array>,
  ): Promise<LpipsScore[]> {
    const [height, width] = truth.shape;
    requirePictures([truth, ...pictures], region);
    const { program, inputs, maps } = await this.#record(pictures.length, height, width);
    [truth, ...pictures].forEach((picture, i) => {
      writeTensor(this.gpu, inputs[i], normalised(picture));
    });
    program.run();
    const values = await readTensors(this.gpu, ...maps.flat());
    return maps.map((layers) => {
      const own = values.splice(0, layers.length);
      const terms = own.map((map) => map.reduce((sum, value) => sum + value, 0) / map.length);
      const spatial = own.map((map, layer) => ndarray(map, [...layers[layer].shape]));
      return {
        distance: terms.reduce((sum, term) => sum + term, 0),
        terms,
        region: region && regionMean(spatial, region),
      };
    });
  }

  async #record(count: number, height: number, width: number): Promise<Recorded> {
    const key = [count, height, width].join();
    if (this.#recorded?.key === key) return this.#recorded;
    this.#forget();
    const plan = new Plan(this.gpu, "lpips", { inference: true });
    const inputs = Array.from(
      { length: 1 + count },
      (_, i) =>
        createTensor(this.gpu, `lpips.picture.${i}`, [1, height * width, 3], { layout: "blocks" }),
    );
    const pictures = { frames: [inputs], height, width, channels: 3 };
    const features = recordAlexNet(plan, this.#group, pictures);
    const maps = inputs.slice(1).map((_, i) =>
      features.map((maps, layer) => {
        const { frames: [[truth, ...others]], height, width, channels } = maps;
        const op = new Operation(plan, "lpips", `lin${layer}`, kernel);
        const u = others[i], v = truth, w = this.#group.get(`lin${layer}.model.1.weight`);
        const d = plan.keep(op.output([height, width], "rows", [u, v, w], `${i}`));
        const pixels = height * width;
        op.run("difference", { dims: { pixels, channels }, u, v, w, d }, [blocksOf(pixels)]);
        return d;
      })
    );
    return this.#recorded = { key, program: await plan.build(), inputs, maps };
  }

  #forget(): void {
    this.#recorded?.program.destroy();
    for (const tensor of this.#recorded?.inputs ?? []) destroyTensor(this.gpu, tensor);
    this.#recorded = undefined;
  }

  /** Frees the weights and what comparing took. */
  destroy(): void {
    this.#forget();
    this.#group.destroy();
  }
}

/** `(2·value − 1 − mean) / deviation`, value in 0…1. */
function normalised({ data }: Picture): Float32Array {
  const range = data instanceof Uint8Array ? 255 : 1;
  return Float32Array.from(data, (value, i) => {
    const channel = i % 3;
    return (2 * value / range - 1 - mean[channel]) / deviation[channel];
  });
}

function regionMean(
  maps: readonly NdArray<Float32Array>[],
  region: NdArray<Uint8Array>,
): number | undefined {
  const [height, width] = region.shape;
  const inside = [...region.data.keys()].filter((pixel) => region.data[pixel] !== 0);
  if (inside.length === 0) return undefined;
  return maps.reduce((distance, map) => {
    const { data } = resizeBilinear(map, width, height);
    return distance + inside.reduce((sum, pixel) => sum + data[pixel], 0) / inside.length;
  }, 0);
}

function requirePictures(pictures: readonly Picture[], region?: NdArray<Uint8Array>): void {
  const [height, width] = pictures[0].shape;
  if (Math.min(height, width) < leastLpipsPixels) {
    throw new RangeError(
      `Cannot compute LPIPS: the picture is ${width} x ${height}, wanted at least ` +
        `${leastLpipsPixels} x ${leastLpipsPixels}`,
    );
  }
  const shapes = [
    ...pictures.map(({ shape }) => `${shape}`),
    `${region?.shape ?? [height, width]},3`,
  ];
  const other = shapes.find((shape) => shape !== `${[height, width, 3]}`);
  if (other !== undefined) {
    throw new RangeError(
      `Cannot compute LPIPS: pictures or region are (${other}) and (${height},${width},3); ` +
        "wanted one size",
    );
  }
}
