import { trunkCodes } from "../../src/nets/dynamic_field.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import { staticFieldSpecs } from "../../src/nets/static_field.ts";
import { rayMaps, singleMaps } from "../../src/rendering/composite.ts";
import { compositeSingleWithWeights } from "../../src/rendering/composite.ts";
import { rayPoints } from "../../src/rendering/rays.ts";
import { renderDynamic, renderStatic } from "../../src/rendering/render_rays.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { frameTimes } from "../../src/training/step_inputs.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { fieldSizesOfGoldens as sizes } from "../support/field_sizes.ts";
import { testGpu } from "../support/gpu.ts";
import { goldenParameters, goldenTensor } from "../support/parameters.ts";
import { goldenCameras, goldenMaps, goldenWindow } from "../support/windows.ts";

/** Some channels of packed maps `(scenes, rays, width)`. */
function channels(maps: Float32Array, width: number, first: number, count: number): Float32Array {
  return maps.filter((_, i) => i % width >= first && i % width < first + count);
}

async function open(size: string, frames: number[], pixelsOf: string) {
  const gpu = await testGpu();
  const golden = await loadCase("render_rays");
  const tag = `render_${size}`;
  const cameras = goldenCameras(golden, tag);
  const { N_samples: samples } = golden.config as { N_samples: number };
  const { data } = golden.input(`${tag}/${pixelsOf}/pixels`);
  const pixels = createTensor(gpu, "pixels", [2, 8, 2], { data });
  return { gpu, golden, tag, cameras, samples, pixels, frames };
}

function fieldsOf(gpu: Awaited<ReturnType<typeof testGpu>>, golden: GoldenCase, size: string) {
  const tag = `render_${size}`;
  return {
    dynamic: goldenParameters(gpu, golden, tag, dynamicFieldSpecs(sizes[size])),
    static: goldenParameters(gpu, golden, tag, staticFieldSpecs(sizes[size])),
  };
}

for (const size of ["small", "full"]) {
  for (const [name, frames] of [["mid", [1, 2]], ["edge", [0, 3]]] as [string, number[]][]) {
    Deno.test(`golden render_rays: renderDynamic(), ${size}, ${name} frames`, async () => {
      const { gpu, golden, tag, cameras, samples, pixels } = await open(size, frames, name);
      const fields = fieldsOf(gpu, golden, size);
      const maps = goldenMaps(gpu, golden, `${tag}/maps`);
      const window = (offset: number) => goldenWindow(gpu, cameras, maps, frames, offset);
      const windows = { before: window(-1), current: window(0), after: window(1) };
      const imageMaps = goldenMaps(gpu, golden, `${tag}/maps2d`);
      const noise = (i: number) => goldenTensor(gpu, golden, `${tag}/noise${i}`);
      const plan = new Plan(gpu, name);
      const code = goldenTensor(gpu, golden, `${tag}/global`, {
        layout: "blocks",
        shape: [2, 1, sizes[size].globalCode],
      });
      const rays = rayPoints(plan, pixels, windows.current.cameras, {
        samples,
        jitter: goldenTensor(gpu, golden, `${tag}/t_rand`),
      });
      const render = renderDynamic(plan, {
        context: {
          group: fields.dynamic.frozen,
          codes: trunkCodes(plan, fields.dynamic.frozen, code),
          times: createTensor(gpu, "times", [2, 2], { data: frameTimes(frames, [4, 4]) }),
          code,
          trajectory: { kind: "discrete", steps: 2 },
        },
        staticGroup: fields.static.frozen,
        rays,
        windows,
        imageWindow: goldenWindow(gpu, cameras, imageMaps, frames),
        noise: name === "mid"
          ? { current: noise(0), before: noise(1), after: noise(2) }
          : undefined,
        forGoldens: { allWeights: true, featuresAtPoints: true },
      });
      const { flows } = render;
      const read = {
        maps: render.maps,
        weights: render.weightsDynamic,
        z_vals: render.z,
        raw_pts: render.points,
        raw_pts_b: render.pointsBefore,
        raw_pts_f: render.pointsAfter,
        raw_pts_b_b: render.pointsBefore2,
        raw_pts_f_f: render.pointsAfter2,
        sceneflow_b: flows.backward,
        sceneflow_f: flows.forward,
        sceneflow_b_f: flows.beforeForward,
        sceneflow_f_b: flows.afterBackward,
        blending: render.blending,
        blending_b: render.blendingBefore,
        blending_f: render.blendingAfter,
        before: render.mapsBefore,
        after: render.mapsAfter,
      };
      for (const tensor of Object.values(read)) plan.keep(tensor);
      const program = await plan.build();
      program.run();
      const values = await readTensors(gpu, ...Object.values(read));
      const { maps: packed, weights, before: mapsBefore, after: mapsAfter, ...direct } = Object
        .fromEntries(
          Object.keys(read).map((key, i) => [key, values[i]]),
        );
      const of = (first: number, count: number) => channels(packed, 16, first, count);
      const third = (all: Float32Array, i: number) => all.subarray(i * 256, (i + 1) * 256);
      // what the goldens call the accumulation of a warped field is its distance from the field's own
      const accChange = (single: Float32Array) =>
        channels(single, 5, singleMaps.acc, 1).map((acc, i) =>
          Math.abs(acc - packed[16 * i + rayMaps.accDynamic])
        );
      const prefix = `${size}/${name}/spec`;
      const expected = {
        ...direct,
        weights_d: third(weights, 0),
        weights_s: third(weights, 1),
        weights_full: third(weights, 2),
        rgb_map_full: of(rayMaps.colorFull, 3),
        depth_map_full: of(rayMaps.depthFull, 1),
        acc_map_full: of(rayMaps.accFull, 1),
        rgb_map_s: of(rayMaps.colorStatic, 3),
        depth_map_s: of(rayMaps.depthStatic, 1),
        acc_map_s: of(rayMaps.accStatic, 1),
        rgb_map_d: of(rayMaps.colorDynamic, 3),
        depth_map_d: of(rayMaps.depthDynamic, 1),
        acc_map_d: of(rayMaps.accDynamic, 1),
        dynamicness_map: of(rayMaps.dynamicness, 1),
        rgb_map_d_b: channels(mapsBefore, 5, singleMaps.color, 3),
        acc_map_d_b: accChange(mapsBefore),
        rgb_map_d_f: channels(mapsAfter, 5, singleMaps.color, 3),
        acc_map_d_f: accChange(mapsAfter),
      };
      expectClose(
        golden,
        Object.fromEntries(Object.entries(expected).map(([k, v]) => [`${prefix}/${k}`, v])),
      );
      program.destroy();
    });
  }

  Deno.test(`golden render_rays: renderStatic() with another frame's features, ${size}`, async () => {
    const { gpu, golden, tag, cameras, samples, pixels } = await open(size, [1, 2], "mid");
    const fields = fieldsOf(gpu, golden, size);
    const imageMaps = goldenMaps(gpu, golden, `${tag}/maps2d`);
    const plan = new Plan(gpu, "pretrain");
    const { cameras: rayCameras } = goldenWindow(gpu, cameras, imageMaps, [1, 2]);
    const rays = rayPoints(plan, pixels, rayCameras, {
      samples,
      jitter: goldenTensor(gpu, golden, `${tag}/t_rand`),
    });
    const window = goldenWindow(gpu, cameras, imageMaps, [3, 0]);
    const raw = renderStatic(plan, fields.static.frozen, rays, window, { ownFrame: false });
    const { maps, weights } = compositeSingleWithWeights(plan, "composite", {
      raw,
      z: rays.z,
      directions: rays.directions,
      noise: goldenTensor(gpu, golden, `${tag}/noise0`),
    });
    plan.keep(maps);
    plan.keep(weights);
    const program = await plan.build();
    program.run();
    const [packed, w] = await readTensors(gpu, maps, weights);
    const prefix = `${size}/pretrain`;
    expectClose(golden, {
      [`${prefix}/rgb_map_s`]: channels(packed, 5, singleMaps.color, 3),
      [`${prefix}/depth_map_s`]: channels(packed, 5, singleMaps.depth, 1),
      [`${prefix}/acc_map_s`]: channels(packed, 5, singleMaps.acc, 1),
      [`${prefix}/weights_s`]: w,
    });
    program.destroy();
  });
}
