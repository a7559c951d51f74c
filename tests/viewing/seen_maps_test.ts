import { assertEquals } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { createMonoNerf, destroyMonoNerf } from "../../src/nets/mono_nerf.ts";
import { balloon, type Recipe } from "../../src/recipes/recipe.ts";
import { viewRecords } from "../../src/rendering/camera_records.ts";
import { compositeSingle, singleMapChannels } from "../../src/rendering/composite.ts";
import { rayPoints } from "../../src/rendering/rays.ts";
import { renderStatic } from "../../src/rendering/render_rays.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { destroyEncodedScenes } from "../../src/nets/encoded_scenes.ts";
import { encodeScenes } from "../../src/training/encode_scenes.ts";
import { ImageRenderer } from "../../src/viewing/image_renderer.ts";
import { assertClose } from "../support/close.ts";
import { testGpu } from "../support/gpu.ts";
import { firstFrames, randomScene } from "../support/scenes.ts";

const recipe: Recipe = {
  ...balloon("small"),
  encoderWidth: 12,
  encoderHeight: 18,
  imageEncoderScale: 2,
  staticFeatures: "seen",
};

Deno.test("ImageRenderer reads static features as training does, of scenes with 4 and 3 frames", async () => {
  const gpu = await testGpu();
  const sizes = { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 };
  const model = createMonoNerf(gpu, { sizes, gains: { positionGain: 1, flowGain: 0.05 } });
  const scenes = [randomScene("a", 1), firstFrames(randomScene("b", 11), 3)];
  const encoded = await encodeScenes(model, scenes, recipe);
  const options = { samples: 9, trajectory: recipe.trajectory, rays: 100 };
  const renderer = await ImageRenderer.create(model, encoded, options);
  for (const scene of [1, 0, 1]) { // a scene that comes again is projected again
    const { cameras } = scenes[scene];
    const camera: Camera = {
      ...cameras[1],
      cameraToWorld: cameras[1].cameraToWorld.map((value, i) => value + (i === 3 ? 0.02 : 0)),
    };
    const { width, height, colorStatic } = await renderer.render(scene, camera, 1.2);

    const plan = new Plan(gpu, "reference", { inference: true });
    const numbers = Array.from({ length: width * height }, (_, i) => [
      i % width,
      Math.floor(i / width),
    ]);
    const tensor = (name: string, shape: number[], data: Float32Array) =>
      createTensor(gpu, name, shape, { data });
    const views = tensor("views", [1, 3, 16], viewRecords(camera));
    const pixels = tensor("pixels", [1, width * height, 2], Float32Array.from(numbers.flat()));
    const rays = rayPoints(plan, pixels, views, { samples: options.samples });
    const window = { frames: [encoded.seen![scene]], cameras: views };
    const raw = renderStatic(plan, model.static.frozen, rays, window, { ownFrame: false });
    const { z, directions } = rays;
    const maps = plan.keep(compositeSingle(plan, "composite", { raw, z, directions }));
    const program = await plan.build();
    program.run();
    const values = await readTensor(gpu, maps);
    const color = values.filter((_, i) => i % singleMapChannels < 3);
    assertClose(Float32Array.from(colorStatic.data), color, 2e-4, `scene ${scene}`);
    program.destroy();
  }
  const [first] = scenes[0].cameras;
  const shown = await renderer.render(0, first, 0);
  await model.static.write(
    new Map([...(await model.static.read())].map(([name, data]) => [name, data.map((v) => -v)])),
  );
  renderer.refresh(); // the projections are of the parameters as they are now
  const after = await renderer.render(0, first, 0);
  assertEquals(
    shown.colorStatic.data.every((value, i) => value === after.colorStatic.data[i]),
    false,
  );
  renderer.destroy();
  destroyEncodedScenes(model, encoded);
  destroyMonoNerf(model);
});
