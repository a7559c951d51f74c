import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import type { MonoNerf } from "../../src/nets/mono_nerf.ts";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { staticFieldSpecs } from "../../src/nets/static_field.ts";
import type { OdeTrajectory } from "../../src/recipes/recipe.ts";
import { ImageRenderer, type RenderedImage } from "../../src/viewing/image_renderer.ts";
import { resizedCamera } from "../../src/viewing/paths.ts";
import {
  blendRegion,
  flipForeground,
  freezeForegrounds,
  insertForeground,
  moveForeground,
  placeForeground,
  removeForegrounds,
  swapBackground,
  unedited,
} from "../../src/viewing/scene_edit.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { fieldSizesOfGoldens } from "../support/field_sizes.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { testGpu } from "../support/gpu.ts";
import { goldenParameters } from "../support/parameters.ts";
import { goldenCameras, goldenMaps } from "../support/windows.ts";

const trajectory = { kind: "discrete", steps: 2 } as const;

/** The case's model; its global code is given, so the perceptron before it is made to return it. */
async function open() {
  const gpu = await testGpu();
  const golden = await loadCase("render_image");
  const sizes = fieldSizesOfGoldens.small;
  const dynamicSpecs = dynamicFieldSpecs(sizes);
  const given = goldenParameters(gpu, golden, "image", dynamicSpecs);
  const dynamic = new ParameterGroup(gpu, "dynamic", dynamicSpecs, false);
  const values = await given.read();
  const code = golden.input("image/global").data; // (2, 16)
  const identity = (rows: number, columns: number, at: (r: number, c: number) => number) =>
    Float32Array.from(
      { length: rows * columns },
      (_, i) => at(Math.floor(i / columns), i % columns),
    );
  // pooled = one-hot of the scene; hidden unit s is 1 in scene s; the last layer's column s is the scene's code
  values.set("mlp_dynamic.ode_fc.0.weight", identity(48, 32, (r, c) => r === c ? 1 : 0));
  values.set("mlp_dynamic.ode_fc.0.bias", new Float32Array(48));
  values.set(
    "mlp_dynamic.ode_fc.2.weight",
    identity(16, 48, (r, c) => c < 2 ? code[16 * c + r] : 0),
  );
  values.set("mlp_dynamic.ode_fc.2.bias", new Float32Array(16));
  for (const { name, shape } of dynamicSpecs) {
    if (!values.has(name)) values.set(name, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  }
  dynamic.write(values);
  const staticSpecs = staticFieldSpecs(sizes);
  const model = {
    gpu,
    sizes: { hidden: 64 },
    dynamic,
    static: goldenParameters(gpu, golden, "image", staticSpecs),
  } as unknown as MonoNerf;
  const oneHot = new Float32Array(64);
  oneHot[0] = oneHot[32 + 1] = 1;
  const scenes = {
    scenes: goldenCameras(golden, "image").map((cameras) => ({ cameras })),
    videoMaps: goldenMaps(gpu, golden, "image/maps"),
    imageMaps: goldenMaps(gpu, golden, "image/maps2d"),
    pooled: createTensor(gpu, "pooled", [2, 1, 32], { layout: "blocks", data: oneHot }),
  };
  const { W: width, H: height } = golden.config as { W: number; H: number };
  const poses = golden.input("image/view/c2w").data;
  const focal = golden.input("image/focal").data; // the case's views have the scene's focal length
  const views = [0, 1].map((s): Camera => ({
    cameraToWorld: poses.slice(12 * s, 12 * s + 12),
    focalPixels: focal[s],
    width,
    height,
  }));
  return { golden, model, scenes, views };
}

Deno.test("golden render_image: ImageRenderer.render() of two scenes", async () => {
  const { golden, model, scenes, views } = await open();
  const { N_samples: samples, frames } = golden.config as { N_samples: number; frames: number[] };
  const renderer = await ImageRenderer.create(model, scenes, {
    samples,
    trajectory,
    rays: 256, // 576 pixels: the last chunk is not full
  });
  const images: RenderedImage[] = [];
  for (const scene of [0, 1]) {
    images.push(await renderer.render(scene, views[scene], frames[scene]));
  }
  const both = (
    name:
      | "color"
      | "colorStatic"
      | "colorDynamic"
      | "depth"
      | "depthStatic"
      | "depthDynamic"
      | "dynamicness"
      | "flowForward",
  ) => Float32Array.from(images.flatMap((image) => [...image[name].data]));
  expectClose(golden, {
    "spec/rgb_map_full": both("color"),
    "spec/rgb_map_s": both("colorStatic"),
    "spec/rgb_map_d": both("colorDynamic"),
    "spec/depth_map_full": both("depth"),
    "spec/depth_map_s": both("depthStatic"),
    "spec/depth_map_d": both("depthDynamic"),
    "spec/dynamicness_map": both("dynamicness"),
    "spec/induced_flow_f": both("flowForward"),
  });

  // the same view again, after another time was rendered, is the same image
  await renderer.render(0, views[0], 2.25);
  const again = await renderer.render(0, views[0], frames[0]);
  assertEquals(again.color.data, images[0].color.data);
  assertEquals(again.flowToNext, undefined);

  // the next frame's camera stands a little to the side: still points flow, and those seen by the same camera do as before
  const next = { ...views[0], cameraToWorld: views[0].cameraToWorld.slice() };
  const same = await renderer.render(0, views[0], frames[0], next);
  assertEquals(same.flowToNext!.data, images[0].flowForward.data);
  next.cameraToWorld[3] += 0.05;
  const { flowForward, flowToNext } = await renderer.render(0, views[0], frames[0], next);
  assertEquals(flowForward.data, images[0].flowForward.data);
  assertNotEquals(flowToNext!.data, images[0].flowForward.data);
  await assertRejects(() => renderer.render(2, views[0], 0), RangeError, "scenes 0 to 1");
  await assertRejects(() => renderer.render(0, views[0], 9), RangeError, "frames 0 to 3");
  renderer.destroy();
});

/** The case's model and two scenes of four frames, a small view, and a renderer in chunks that do not end with the picture. */
async function openRenderer() {
  const { golden, model, scenes, views } = await open();
  const { N_samples: samples } = golden.config as { N_samples: number };
  const options = { samples, trajectory, rays: 64 };
  const renderer = await ImageRenderer.create(model, scenes, options);
  const view = resizedCamera(views[0], { width: 12, height: 8 });
  return { model, scenes, view, options, renderer };
}

type Layer = Exclude<keyof RenderedImage, "width" | "height" | "flowToNext">;
const layers: readonly Layer[] = [
  "color",
  "colorStatic",
  "colorDynamic",
  "depth",
  "depthStatic",
  "depthDynamic",
  "dynamicness",
  "flowForward",
];

/** Fails unless layers of two pictures are equal within float32's rounding. */
function assertSame(
  actual: RenderedImage,
  expected: RenderedImage,
  names: readonly Layer[] = layers,
  within = 1e-4,
): void {
  for (const name of names) {
    const wanted = expected[name].data;
    const scale = Math.max(1, ...wanted.map(Math.abs));
    const off = Math.max(...actual[name].data.map((value, i) => Math.abs(value - wanted[i])));
    assert(off <= within * scale, `${name} is off by ${off}, of ${scale}`);
  }
}

Deno.test("ImageRenderer.renderEdit() puts a moving part before another scene's static part", async () => {
  const { model, scenes, view, options, renderer } = await openRenderer();
  const edit = swapBackground(unedited(0, 1), { scene: 1, time: 2 });
  const swapped = await renderer.renderEdit(edit, view);
  const [own, other] = [await renderer.render(0, view, 1), await renderer.render(1, view, 2)];
  assertSame(swapped, own, ["colorDynamic", "depthDynamic", "flowForward"]);
  assertSame(swapped, other, ["colorStatic", "depthStatic"]);
  assertNotEquals(swapped.color.data, own.color.data);
  renderer.destroy();

  // of scenes with the same cameras: exactly what static features in each other's place give
  const [cameras] = scenes.scenes;
  const together = { ...scenes, scenes: [cameras, cameras] };
  const exchanged = { ...together, imageMaps: scenes.imageMaps.toReversed() };
  const alike = await ImageRenderer.create(model, together, options);
  const reference = await ImageRenderer.create(model, exchanged, options);
  const plainEdit = swapBackground(unedited(0, 1), { scene: 1, time: 1 });
  const actual = await alike.renderEdit(plainEdit, view);
  assertSame(actual, await reference.render(0, view, 1), layers, 0);
  assertNotEquals(actual.color.data, (await alike.render(0, view, 1)).color.data);
  alike.destroy();
  reference.destroy();
});

Deno.test("ImageRenderer.renderEdit() leaves out the moving part, or lets it stand still", async () => {
  const { view, renderer } = await openRenderer();
  const plain = await renderer.render(0, view, 1.25, view);
  const removed = await renderer.renderEdit(removeForegrounds(unedited(0, 1.25)), view, view);
  assertSame({ ...removed, color: removed.colorStatic, depth: removed.depthStatic }, removed, [
    "color",
    "depth",
  ]);
  assertSame(removed, plain, ["colorStatic", "depthStatic"]);
  for (const still of [removed.dynamicness, removed.flowForward, removed.flowToNext!]) {
    assert(still.data.every((value) => value === 0));
  }

  const frozen = (time: number) => freezeForegrounds(unedited(0, 1.25), time);
  assertSame(await renderer.renderEdit(frozen(1.25), view), plain, layers, 0);
  const early = await renderer.renderEdit(frozen(0), view);
  assertSame(early, plain, ["colorStatic"], 0);
  assertSame(early, await renderer.render(0, view, 0), ["colorDynamic", "flowForward"], 0);
  renderer.destroy();
});

Deno.test("ImageRenderer.renderEdit() adds another scene's moving part", async () => {
  const { view, renderer } = await openRenderer();
  const plain = await renderer.render(0, view, 1);
  const two = insertForeground(unedited(0, 1), { scene: 1, time: 2 });
  const inserted = await renderer.renderEdit(two, view);
  assertSame(inserted, plain, ["colorStatic", "colorDynamic", "flowForward"]);
  assertNotEquals(inserted.color.data, plain.color.data);

  // mirrored to behind the camera, its blending is 0
  const behind = placeForeground(two, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0]);
  assertSame(await renderer.renderEdit(behind, view), plain);

  const everywhere = { min: [-1e9, -1e9, -1e9], max: [1e9, 1e9, 0] } as const;
  const hidden = await renderer.renderEdit(blendRegion(two, { ...everywhere, blending: 0 }), view);
  assertSame({ ...hidden, color: plain.colorStatic }, hidden, ["color"]);
  const alone = blendRegion(unedited(0, 1), { ...everywhere, blending: 1 });
  const dynamic = await renderer.renderEdit(alone, view);
  assertSame({ ...dynamic, color: dynamic.colorDynamic }, dynamic, ["color"]);
  renderer.destroy();
});

Deno.test("ImageRenderer.renderEdit() moves and flips a moving part as a camera would see it", async () => {
  const { renderer, view } = await openRenderer();
  const { width, height } = view;
  const at = (x: number, y: number) => ({
    ...view,
    cameraToWorld: Float32Array.of(1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, 0),
  });
  const plain = await renderer.render(0, at(0, 0), 1);
  const dynamic: Layer[] = ["colorDynamic", "depthDynamic", "flowForward"];

  const move = moveForeground(unedited(0, 1), [0.3, -0.2, 0]);
  const moved = await renderer.renderEdit(move, at(0, 0));
  assertSame(moved, await renderer.render(0, at(-0.3, 0.2), 1), dynamic);
  assertSame(moved, plain, ["colorStatic"]);
  assertNotEquals(moved.color.data, plain.color.data);

  // twice as far and twice as large it looks the same; the NDC of depths differs
  const big = placeForeground(unedited(0, 1), [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0]);
  const farther = await renderer.renderEdit(big, at(0, 0));
  assert(farther.depthDynamic.data.every(Number.isFinite));
  assertNotEquals(farther.depthDynamic.data, plain.depthDynamic.data);

  // the pixel x looks where the pixel W − x looks in a mirror
  const flipped = await renderer.renderEdit(flipForeground(unedited(0, 1)), at(0, 0));
  for (let y = 0; y < height; y++) {
    for (let x = 1; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const off = flipped.colorDynamic.get(y, x, c) - plain.colorDynamic.get(y, width - x, c);
        assert(Math.abs(off) < 1e-4, `(${x}, ${y}) is off by ${off}`);
      }
      const off = flipped.flowForward.get(y, x, 0) + plain.flowForward.get(y, width - x, 0);
      assert(Math.abs(off) < 2e-3, `the flow at (${x}, ${y}) is off by ${off}`);
    }
  }

  const nowhere = moveForeground(unedited(0, 1), [0, 0, 0]);
  assertSame(await renderer.renderEdit(nowhere, at(0, 0)), plain, layers, 0);
  const twice = flipForeground(flipForeground(unedited(0, 1)));
  assertSame(await renderer.renderEdit(twice, at(0, 0)), plain, layers, 0);
  // where they are not alone, so that they go through the composite of edited pictures
  const both = (edit: typeof nowhere) => insertForeground(edit, { scene: 1, time: 2 });
  const [there, again] = [both(unedited(0, 1)), both(nowhere)];
  assertSame(
    await renderer.renderEdit(again, view),
    await renderer.renderEdit(there, view),
    layers,
    0,
  );
  renderer.destroy();
});

Deno.test("ImageRenderer.renderEdit() names what it cannot do, and mixes no pictures", async () => {
  const { renderer, view } = await openRenderer();
  const plain = unedited(0, 1);
  const box = { min: [0, 0, -2], max: [1, 1, -1], blending: 0.5 } as const;
  const cases: [Parameters<typeof renderer.renderEdit>[0], string][] = [
    [swapBackground(plain, { scene: 2, time: 1 }), "Cannot render scene 2: the batch has scenes 0"],
    [insertForeground(plain, { scene: -1, time: 1 }), "Cannot render scene -1"],
    [freezeForegrounds(plain, 3.5), "Cannot render time 3.5: the scene has frames 0 to 3"],
    [placeForeground(plain, new Array(12).fill(0)), "wanted an invertible 3x4 matrix"],
    [blendRegion(plain, { ...box, blending: 2 }), "blending of a region to 2 in [0, 0, -2] to"],
    [
      blendRegion(plain, { ...box, max: [1, -1, -1] }),
      "each coordinate smaller in the first corner",
    ],
    [{ ...plain, regions: new Array(9).fill(box) }, "blending of 9 regions: at most 8 a picture"],
  ];
  for (const [edit, message] of cases) {
    await assertRejects(() => renderer.renderEdit(edit, view), RangeError, message);
  }
  const edits = [plain, removeForegrounds(plain), flipForeground(unedited(1, 2)), unedited(1, 3)];
  const atOnce = await Promise.all(edits.map((edit) => renderer.renderEdit(edit, view)));
  for (const [i, edit] of edits.entries()) {
    assertEquals(atOnce[i].color.data, (await renderer.renderEdit(edit, view)).color.data);
  }
  renderer.destroy();
});

Deno.test("ImageRenderer.render() solves trajectories, and says where the steps did not suffice", async () => {
  const { golden, model, scenes, views } = await open();
  const { N_samples: samples } = golden.config as { N_samples: number };
  const view = resizedCamera(views[0], { width: 12, height: 8 });
  const flowBy = async (trajectory: Omit<OdeTrajectory, "kind">) => {
    const options = { samples, rays: 64, trajectory: { kind: "ode" as const, ...trajectory } };
    const renderer = await ImageRenderer.create(model, scenes, options);
    try {
      return (await renderer.render(0, view, 1)).flowForward.data;
    } finally {
      renderer.destroy();
    }
  };
  const tolerances = { rtol: 1e-4, atol: 1e-5, maxSteps: 6, stepSize: 1 };
  const adaptive = { ...tolerances, solver: "dopri5", gradient: "backprop" } as const;
  const flow = await flowBy(adaptive);
  const other = await flowBy({ ...adaptive, solver: "rk4", stepSize: 0.25 });
  flow.forEach((value, i) => assertAlmostEquals(value, other[i], 1e-3));
  assert(flow.some((value) => Math.abs(value) > 1e-2));
  await assertRejects(
    () => flowBy({ ...adaptive, rtol: 1e-7, atol: 1e-7, maxSteps: 1 }),
    Error,
    "trajectories were not solved in the steps allowed; use a model trained with more --ode-max-steps",
  );
});
