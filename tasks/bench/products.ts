/**
 * The best single matrix product of an adapter: what a training step is measured against.
 *
 * @module
 */
import { linear } from "../../src/ops/linear.ts";
import { type ProductVariant, productVariant } from "../../src/ops/product_variant.ts";
import type { ModelSizes } from "../../src/recipes/recipe.ts";
import { fieldSizes } from "../../src/nets/sizes.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, destroyTensor } from "../../src/runtime/tensor.ts";
import { gflopsPerSecond, type Job, timeJobs } from "./jobs.ts";

/** Products that run, and how to free them. */
export interface Products {
  readonly jobs: readonly Job[];
  destroy(): void;
}

/** Operations of one product: enough to fill the adapter. The variant for other adapters gets an eighth: it may be very slow. */
const operations = { software: 2.5e8, hardware: 2e10 };
const mostBlocks = 2 ** 15; // workgroups in a row
const mostNumbers = 2 ** 25; // every adapter binds so many
const variants: readonly ProductVariant[] = ["registers", "tiled"];

/**
 * Makes products `y = W·x` of the model's shapes and of some that suit any kernel, by both variants, and keeps the fastest
 * after a trial.
 */
export async function fastestProducts(
  gpu: Gpu,
  model: ModelSizes,
  signal?: AbortSignal,
): Promise<Products> {
  const { videoChannels } = fieldSizes(model);
  const channels = [
    [model.hidden, model.hidden],
    [videoChannels, model.hidden],
    [256, 256],
    [512, 512],
  ];
  const distinct = [...new Map(channels.map((pair) => [`${pair}`, pair])).values()];
  const made = await Promise.all(
    distinct.flatMap(([inputs, outputs]) =>
      variants.map((variant) => makeProduct(gpu, inputs, outputs, variant))
    ),
  );
  const trial = await timeJobs(gpu, made.map(({ job }) => job), 2, { signal });
  const kept = trial.toSorted((a, b) => gflopsPerSecond(b) - gflopsPerSecond(a)).slice(0, 4);
  const jobs = kept.map(({ job }) => job);
  for (const { job, destroy } of made) if (!jobs.includes(job)) destroy();
  return {
    jobs,
    destroy: () => made.filter(({ job }) => jobs.includes(job)).forEach(({ destroy }) => destroy()),
  };
}

async function makeProduct(gpu: Gpu, inputs: number, outputs: number, variant: ProductVariant) {
  const most = operations[gpu.software ? "software" : "hardware"] /
    (variant === productVariant(gpu) ? 1 : 8);
  const blocks = Math.ceil(most / (2 * inputs * outputs) / 64);
  const points = 64 *
    Math.min(blocks, mostBlocks, Math.floor(mostNumbers / 64 / Math.max(inputs, outputs)));
  const x = createTensor(gpu, "x", [1, points, inputs], {
    layout: "blocks",
    data: ramp(points * inputs),
  });
  const weight = createTensor(gpu, "weight", [outputs, inputs], { data: ramp(outputs * inputs) });
  const plan = new Plan(gpu, "product");
  linear(plan, "product", x, { weight, variant });
  const program = await plan.build();
  const name = `${points} points, ${inputs} to ${outputs} channels, ${variant}`;
  return {
    job: { name, program, flops: program.flops } satisfies Job,
    destroy: () => {
      program.destroy();
      destroyTensor(gpu, x);
      destroyTensor(gpu, weight);
    },
  };
}

/** Numbers in ±1: zeros could be faster. */
function ramp(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => (i % 199 - 99) / 100);
}
