import { assertEquals, assertThrows } from "@std/assert";
import {
  createMonoNerf,
  destroyMonoNerf,
  groupsOf,
  readParameters,
} from "../../src/nets/mono_nerf.ts";
import { own } from "../../src/recipes/recipe.ts";
import { loadModel } from "../../src/training/load_model.ts";
import { testGpu } from "../support/gpu.ts";

const sizes = { hidden: 8, globalCode: 4, globalHidden: 8, videoWidth: 4, imageWidth: 4 };
const recipe = { ...own("small", ["A"]), model: sizes };

/** A model's parameters as a checkpoint holds them. */
async function stored() {
  const gpu = await testGpu();
  const model = createMonoNerf(gpu, { sizes, seed: 3 });
  const values = await readParameters(model);
  const tensors = new Map(
    groupsOf(model).flatMap(({ specs }) => specs)
      .map(({ name, shape }) => [name, { shape, data: values.get(name)! }]),
  );
  destroyMonoNerf(model);
  return { gpu, tensors };
}

Deno.test("loadModel() makes the model that a checkpoint holds", async () => {
  const { gpu, tensors } = await stored();
  const model = loadModel(gpu, { recipe, tensors });
  const values = await readParameters(model);
  assertEquals(values.size, tensors.size);
  for (const [name, { data }] of tensors) assertEquals(values.get(name), data, name);
  destroyMonoNerf(model);
});

Deno.test("loadModel() lists what is missing or has another shape, and keeps no memory", async () => {
  const { gpu, tensors } = await stored();
  const weight = "mlp_dynamic.lin_in.weight", bias = "mlp_static.lin_in.bias";
  const { shape, data } = tensors.get(weight)!;
  tensors.set(weight, { shape: [...shape].reverse(), data });
  tensors.delete(bias);
  const before = gpu.allocatedBytes;
  assertThrows(
    () => loadModel(gpu, { recipe, tensors }),
    Error,
    "do not fit its recipe:\n" +
      `  ${weight} is (84, 8), wanted (8, 84)\n` +
      `  ${bias} (8) is missing`,
  );
  assertEquals(gpu.allocatedBytes, before);
});
