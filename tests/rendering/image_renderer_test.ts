import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { Camera } from "../../src/data/camera.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import type { MonoNerf } from "../../src/nets/mono_nerf.ts";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { staticFieldSpecs } from "../../src/nets/static_field.ts";
import { ImageRenderer, type RenderedImage } from "../../src/rendering/image_renderer.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { fieldSizesOfGoldens } from "../support/field_sizes.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { testGpu } from "../support/gpu.ts";
import { goldenParameters } from "../support/parameters.ts";
import { goldenCameras, goldenMaps } from "../support/windows.ts";

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
    trajectorySteps: 2,
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
