import { assertEquals } from "@std/assert";
import { linear } from "../../src/ops/linear.ts";
import type { ProductVariant } from "../../src/ops/product_variant.ts";
import { type CheckedInput, checkGradients, randomArray } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

const sizes = [
  { points: 1, inputs: 3, outputs: 1 },
  { points: 63, inputs: 65, outputs: 4 },
  { points: 65, inputs: 63, outputs: 17 },
  { points: 257, inputs: 20, outputs: 70 },
];

function blocks(seed: number, shape: number[]): CheckedInput {
  const count = shape.reduce((product, length) => product * length, 1);
  // away from ReLU's kink
  const data = randomArray(seed, count).map((value) => value + (value < 0 ? -0.2 : 0.2));
  return { shape, layout: "blocks", data };
}

function rows(seed: number, shape: number[]): CheckedInput {
  return { shape, data: randomArray(seed, shape.reduce((a, b) => a * b, 1)) };
}

for (const variant of ["registers", "tiled"] as ProductVariant[]) {
  for (const { points, inputs, outputs } of sizes) {
    const name = `${variant}: ${points} points, ${inputs} to ${outputs} channels`;

    Deno.test(`linear() has its gradients, ${name}`, async () => {
      await checkGradients({
        x: blocks(1, [2, points, inputs]),
        weight: rows(2, [outputs, inputs]),
        bias: rows(3, [outputs]),
      }, (plan, { x, weight, bias }) => linear(plan, "linear", x, { weight, bias, variant }));
    });

    Deno.test(`linear() has its gradients with everything around it, ${name}`, async () => {
      await checkGradients({
        x: blocks(1, [2, points, inputs]),
        weight: rows(2, [outputs, inputs + 5]),
        bias: rows(3, [outputs]),
        residual: blocks(4, [2, points, outputs]),
        groupBias: blocks(5, [2, points === 63 ? 9 : points === 65 ? 65 : 1, outputs]),
      }, (plan, { x, weight, bias, residual, groupBias }) =>
        linear(plan, "linear", x, {
          weight,
          bias,
          columns: [3, inputs],
          reluInput: true,
          residual,
          groupBias,
          variant,
        }));
    });
  }

  Deno.test(`linear() leaves padding out of dW and db, ${variant}`, async () => {
    const [scenes, points, inputs] = [2, 65, 3];
    const ones = (channels: number) => new Float32Array(scenes * points * channels).fill(1);
    for (const outputs of [2, 5]) { // few enough for the narrow kernels, and not
      const inputsByName: Record<string, CheckedInput> = {
        x: { shape: [scenes, points, inputs], layout: "blocks", data: ones(inputs) },
        weight: rows(2, [outputs, inputs]),
        bias: rows(3, [outputs]),
      };
      const { gradients } = await runRecorded(inputsByName, (plan, { x, weight, bias }) => {
        return { y: linear(plan, "linear", x, { weight, bias, variant }) };
      }, { y: ones(outputs) });
      assertEquals([...gradients.weight], Array(outputs * inputs).fill(scenes * points));
      assertEquals([...gradients.bias], Array(outputs).fill(scenes * points));
    }
  });
}
