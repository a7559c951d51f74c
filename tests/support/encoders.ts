import { ParameterGroup, type ParameterSpec } from "../../src/nets/parameters.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import type { EncodedMaps } from "../../src/nets/encoder.ts";
import type { GoldenCase } from "./goldens.ts";

/** An encoder's frozen parameters with the values of the golden case. */
export function goldenEncoder(
  gpu: Gpu,
  golden: GoldenCase,
  specs: readonly ParameterSpec[],
): ParameterGroup {
  const group = new ParameterGroup(gpu, "encoder", specs, false);
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
