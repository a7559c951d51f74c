import { ParameterGroup, type ParameterSpec } from "../../src/nets/parameters.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import type { EncodedMaps, Upload } from "../../src/nets/encoder.ts";
import type { GoldenCase } from "./goldens.ts";

/** An encoder's parameters with the values of the golden case. */
export function goldenEncoder(
  gpu: Gpu,
  golden: GoldenCase,
  specs: readonly ParameterSpec[],
  trainable = false,
): ParameterGroup {
  const group = new ParameterGroup(gpu, "encoder", specs, trainable);
  group.write(new Map(specs.map(({ name }) => [name, golden.input(`enc/${name}`).data])));
  return group;
}

/** Maps as the goldens keep them: `(scenes, channels, frames, height, width)`, with each channel's mean and deviation. */
export async function channelsFirst(
  gpu: Gpu,
  { maps, channels, height, width }: EncodedMaps,
): Promise<{ features: Float32Array; mean: Float64Array; deviation: Float64Array }> {
  const frames = maps[0].length, pixels = height * width;
  const values = await readTensors(gpu, ...maps.flat());
  const features = new Float32Array(values.length * pixels * channels);
  const mean = new Float64Array(channels), squares = new Float64Array(channels);
  values.forEach((map, i) => {
    const scene = Math.floor(i / frames), frame = i % frames;
    for (let c = 0; c < channels; c++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        const value = map[pixel * channels + c];
        features[((scene * channels + c) * frames + frame) * pixels + pixel] = value;
        mean[c] += value / (values.length * pixels);
        squares[c] += value ** 2 / (values.length * pixels);
      }
    }
  });
  return {
    features,
    mean,
    deviation: squares.map((square, c) => Math.sqrt(square - mean[c] ** 2)),
  };
}

/** The golden gradient of the maps: `(scenes, channels, frames, height, width)` to one `(height, width, channels)` a frame. */
export function mapSeeds(gpu: Gpu, golden: GoldenCase, name: string, maps: EncodedMaps) {
  const { data, shape: [, channels, frames, height, width] } = golden.input(name);
  const pixels = height * width;
  return maps.maps.flat().map((tensor, i) => {
    const scene = Math.floor(i / frames), frame = i % frames;
    const values = new Float32Array(pixels * channels).map((_, at) => {
      const channel = at % channels, pixel = Math.floor(at / channels);
      return data[((scene * channels + channel) * frames + frame) * pixels + pixel];
    });
    return { tensor, gradient: createTensor(gpu, "ct", tensor.shape, { data: values }) };
  });
}

/** Frames whose gradient is wanted. */
export function uploadDifferentiable(gpu: Gpu): Upload {
  return (label, shape, data) =>
    createTensor(gpu, label, shape, { layout: "blocks", data, requiresGradient: true });
}

/** Gradients of groups under the goldens' keys: `prefix/conv1.weight`. */
export async function parameterGradients(
  groups: readonly ParameterGroup[],
  golden: GoldenCase,
  prefix: string,
): Promise<Record<string, Float32Array>> {
  const found: Record<string, Float32Array> = {};
  for (const group of groups) {
    for (const [name, values] of await group.read(group.gradients)) {
      const short = name.replace(
        /^(encoder2d\.features|encoder\.model\.backbone|mlp_dynamic)\./,
        "",
      );
      if (golden.has(`${prefix}/${short}`)) found[`${prefix}/${short}`] = values;
    }
  }
  return found;
}

/** Running statistics of a group under the goldens' keys: `prefix/conv1.bn.running_mean`. */
export async function runningStatistics(
  group: ParameterGroup,
  golden: GoldenCase,
  prefix: string,
): Promise<Record<string, Float32Array>> {
  const entries = [...await group.read()].map(([name, values]): [string, Float32Array] => [
    `${prefix}/${name.replace(/^encoder(2d\.features|\.model\.backbone)\./, "")}`,
    values,
  ]);
  return Object.fromEntries(entries.filter(([key]) => golden.has(key)));
}
