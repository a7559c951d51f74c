import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { lpipsParameters } from "../../src/data/weights/lpips_weights.ts";
import { Lpips, recordAlexNet } from "../../src/evaluation/lpips.ts";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

function goldenWeights(golden: GoldenCase): Map<string, Float32Array> {
  return new Map(lpipsParameters.map(({ name }) => [name, golden.input(`lpips/${name}`).data]));
}

/** `[1, 3, height, width]` to `[height, width, 3]`. */
function channelsLast({ data, shape }: NdArray<Float32Array>): NdArray<Float32Array> {
  const [, channels, height, width] = shape;
  const pixels = height * width;
  const values = data.map((_, i) => data[i % channels * pixels + Math.floor(i / channels)]);
  return ndarray(values, [height, width, channels]);
}

/** The golden pictures of a pair, in −1…1: pair 0 is `0.75 a + b` against `a`. */
function goldenPair(golden: GoldenCase, pair: number) {
  const a = channelsLast(golden.input(`lpips/a${pair}`));
  const b = channelsLast(golden.input(`lpips/b${pair}`));
  const data = pair === 0 ? b.data.map((value, i) => 0.75 * a.data[i] + value) : b.data;
  return { a, b: ndarray(data, b.shape) };
}

Deno.test("golden prep/lpips: distances and each layer's term", async () => {
  const golden = await loadCase("prep/lpips");
  const lpips = new Lpips(await testGpu(), goldenWeights(golden));
  const found: Record<string, number | readonly number[]> = {};
  for (const pair of [0, 1]) {
    const { a, b } = goldenPair(golden, pair);
    const unit = ({ data, shape }: NdArray<Float32Array>) =>
      ndarray(data.map((value) => (value + 1) / 2), shape);
    const [apart, same] = await lpips.compare([unit(b), unit(a)], unit(a));
    found[`pair${pair}/distance`] = apart.distance;
    found[`pair${pair}/terms`] = apart.terms;
    found[`pair${pair}/same`] = same.distance;
  }
  expectClose(golden, found);
  lpips.destroy();
});

Deno.test("golden prep/lpips: AlexNet's features", async () => {
  const gpu = await testGpu();
  const golden = await loadCase("prep/lpips");
  const specs = lpipsParameters.map((each) => ({
    ...each,
    initial: { kind: "constant" as const, value: 0 },
  }));
  const group = new ParameterGroup(gpu, "lpips", specs, false);
  group.write(goldenWeights(golden));
  const found: Record<string, Float32Array> = {};
  for (const pair of [0, 1]) {
    const both = Object.entries(goldenPair(golden, pair));
    const plan = new Plan(gpu, "features");
    const [height, width] = both[0][1].shape;
    const frames = both.map(([name, { data }]) => {
      const mean = [-0.030, -0.088, -0.188], deviation = [0.458, 0.448, 0.450];
      const normal = data.map((value, i) => (value - mean[i % 3]) / deviation[i % 3]);
      return createTensor(gpu, name, [1, height * width, 3], { layout: "blocks", data: normal });
    });
    const features = recordAlexNet(plan, group, { frames: [frames], height, width, channels: 3 });
    const tensors = features.flatMap(({ frames: [maps] }) => maps.map((map) => plan.keep(map)));
    const program = await plan.build();
    program.run();
    const values = await readTensors(gpu, ...tensors);
    features.forEach(({ channels }, layer) =>
      both.forEach(([name], i) => {
        const map = values[layer * 2 + i], pixels = map.length / channels;
        found[`pair${pair}/${name}_relu${layer + 1}`] = map.map((_, at) =>
          map[at % pixels * channels + Math.floor(at / pixels)]
        );
      })
    );
    program.destroy();
  }
  expectClose(golden, found);
});

Deno.test("Lpips.compare() takes bytes, and averages the spatial map over a region", async () => {
  const golden = await loadCase("prep/lpips");
  const lpips = new Lpips(await testGpu(), goldenWeights(golden));
  const [height, width] = [40, 56];
  const bytes = (seed: number) => {
    const data = Uint8Array.from(randomArray(seed, height * width * 3, 0, 255.99));
    return ndarray(data, [height, width, 3]);
  };
  const truth = bytes(1), other = bytes(2);
  // the left half is right, the right half is another picture
  const half = ndarray(
    truth.data.map((value, i) => Math.floor(i / 3) % width < width / 2 ? value : other.data[i]),
    [height, width, 3],
  );
  const columns = (from: number, to: number) =>
    ndarray(
      Uint8Array.from({ length: height * width }, (_, i) => {
        const column = i % width;
        return column >= from && column < to ? 1 : 0;
      }),
      [height, width],
    );
  const regionOf = async (from: number, to: number) =>
    (await lpips.compare([half], truth, columns(from, to)))[0].region!;

  const [{ distance, region }] = await lpips.compare([half], truth, columns(0, 0));
  assertEquals(region, undefined);
  const floats = [half, truth].map(({ data, shape }) =>
    ndarray(Float32Array.from(data, (value) => value / 255), shape)
  );
  assertAlmostEquals((await lpips.compare([floats[0]], floats[1]))[0].distance, distance, 1e-5);

  const [left, right, whole] = [
    await regionOf(0, width / 2),
    await regionOf(width / 2, width),
    await regionOf(0, width),
  ];
  assertAlmostEquals((left + right) / 2, whole, 1e-6);
  assert(left < right / 3, `${left} left, ${right} right`);
  assert(Math.abs(whole - distance) < 0.2 * distance, `${whole} against ${distance}`);
  lpips.destroy();
});

Deno.test("Lpips.compare() refuses pictures of different sizes, and too small ones", async () => {
  const golden = await loadCase("prep/lpips");
  const lpips = new Lpips(await testGpu(), goldenWeights(golden));
  const picture = (height: number, width: number) =>
    ndarray(new Uint8Array(height * width * 3), [height, width, 3]);
  await assertRejects(
    () => lpips.compare([picture(40, 41)], picture(40, 40)),
    RangeError,
    "Cannot compute LPIPS: pictures or region are (40,41,3) and (40,40,3); wanted one size",
  );
  await assertRejects(
    () => lpips.compare([], picture(40, 30)),
    RangeError,
    "Cannot compute LPIPS: the picture is 30 x 40, wanted at least 31 x 31",
  );
  assertEquals((await lpips.compare([picture(31, 31)], picture(31, 31)))[0].distance, 0);
  lpips.destroy();
});
