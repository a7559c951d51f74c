import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../../src/data/scene/camera.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import type { View } from "../../src/evaluation/baselines.ts";
import {
  evaluate,
  type EvaluatedView,
  layerPictures,
  type PictureDistance,
  type ViewRenderer,
} from "../../src/evaluation/evaluate.ts";
import type { RenderedImage } from "../../src/viewing/image_renderer.ts";

const frames = 3, width = 10, height = 8;

/** Cameras side by side, so that the nearest to each is known. */
function camera(x: number): Camera {
  const cameraToWorld = Float32Array.of(1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 0);
  return { cameraToWorld, focalPixels: 10, width, height };
}

/** Frame i is of one grey, 40·i; its left column moves, by one pixel to the right. */
function scene(name: string, multiview: View[] = []): Scene {
  const pixels = frames * width * height;
  const perPixel = <T>(value: (pixel: number) => T) =>
    Array.from({ length: pixels }, (_, i) => value(i));
  const shape = [frames, height, width];
  const frameOf = (pixel: number) => Math.floor(pixel / (width * height));
  const flow = perPixel(() => [1, 0]).flat();
  const valid = new Uint8Array(pixels).fill(1);
  return {
    name,
    directory: name,
    frames,
    width,
    height,
    images: ndarray(
      Uint8Array.from(perPixel((i) => [1, 1, 1].map((x) => x * 40 * frameOf(i))).flat()),
      [...shape, 3],
    ),
    inverseDepth: ndarray(Float32Array.from(perPixel((i) => i % width)), shape),
    moving: ndarray(Uint8Array.from(perPixel((i) => i % width === 0 ? 1 : 0)), shape),
    flowForward: ndarray(Float32Array.from(flow), [...shape, 2]),
    flowBackward: ndarray(Float32Array.from(flow), [...shape, 2]),
    flowForwardValid: ndarray(valid, shape),
    flowBackwardValid: ndarray(valid, shape),
    cameras: [camera(0), camera(1), camera(3)],
    bounds: ndarray(new Float32Array(frames * 2), [frames, 2]),
    multiview: multiview.map((view) => ({ ...view, path: "" })),
  };
}

/** A model that gives the grey of the time, is dynamic in the left column, and moves everything by (1, 2) as it sees it itself. */
class Renderer implements ViewRenderer {
  readonly asked: string[] = [];

  render(
    scene: number,
    { cameraToWorld }: Camera,
    time: number,
    next?: Camera,
  ): Promise<RenderedImage> {
    this.asked.push(`${scene}: time ${time} x ${cameraToWorld[3]}`);
    const map = (value: (pixel: number) => number) =>
      ndarray(Float32Array.from({ length: width * height }, (_, i) => value(i)), [height, width]);
    const color = ndarray(
      new Float32Array(width * height * 3).fill((40 * time + 0.5) / 255),
      [height, width, 3],
    );
    const flow = Float32Array.from({ length: width * height * 2 }, (_, i) => 1 + i % 2);
    const depth = map((i) => 1 - (i % width) / width);
    return Promise.resolve({
      width,
      height,
      color,
      colorStatic: color,
      colorDynamic: color,
      depth,
      depthStatic: depth,
      depthDynamic: depth,
      dynamicness: map((i) => i % width === 0 ? 0.75 : 0.25),
      flowForward: ndarray(flow, [height, width, 2]),
      flowToNext: next && ndarray(flow.map((value, i) => value + i % 2), [height, width, 2]),
    });
  }
}

function grey(value: number): NdArray<Uint8Array> {
  return ndarray(new Uint8Array(width * height * 3).fill(value), [height, width, 3]);
}

const options = {
  views: 0,
  truth: (_: Scene, { time }: View) => Promise.resolve(grey(40 * time + 10)),
};

Deno.test("evaluate() scores held-out views beside the frame of the nearest camera and the mean", async () => {
  const renderer = new Renderer();
  const held = [{ time: 2, camera: 0 }, { time: 0, camera: 1 }, { time: 1, camera: 1 }];
  const seen: string[] = [];
  const { evaluation, rows } = await evaluate(renderer, [scene("A", held)], {
    ...options,
    moving: (scene, { time }) => {
      const mask = new Uint8Array(width * height);
      mask[0] = time; // at time 0 nothing moves
      return ndarray(mask, [scene.height, scene.width]);
    },
    onView: ({ scores }, done, of) =>
      void seen.push(`${scores.time}/${scores.camera} ${done} of ${of}`),
  });
  const decibels = (difference: number) => 20 * Math.log10(255 / difference);
  assertEquals(renderer.asked, ["0: time 2 x 0", "0: time 0 x 1"]);
  assertEquals(seen, ["2/0 1 of 2", "0/1 2 of 2"]);
  assertEquals([evaluation.protocol, evaluation.views], ["held-out views", 2]);
  assertAlmostEquals(evaluation.psnr, decibels(10));
  const [first, second] = evaluation.perView;
  assertAlmostEquals(first.baselines.nearest.psnr, decibels(90)); // frame 0 for time 2
  assertAlmostEquals(first.baselines.mean.psnr, decibels(50));
  assertAlmostEquals(second.baselines.nearest.psnr, decibels(30)); // frame 1 for time 0
  assertAlmostEquals(first.psnrMoving!, decibels(10));
  assertEquals(second.psnrMoving, undefined);
  assertAlmostEquals(evaluation.dynamicness.moving!, 0.75);
  assertAlmostEquals(evaluation.dynamicness.still!, (159 * 0.25 + 15 * 0.5) / 159);
  assertEquals(rows.map(({ time, camera }) => [time, camera]), [[2, 0], [0, 1]]);
});

Deno.test("evaluate() takes dynamicness from the scene's own frames where no truth is known", async () => {
  const renderer = new Renderer();
  const { evaluation } = await evaluate(renderer, [scene("A", [{ time: 2, camera: 0 }])], options);
  assertEquals(renderer.asked, ["0: time 2 x 0", "0: time 1 x 1"]);
  assertEquals(evaluation.dynamicness, { moving: 0.75, still: 0.25 });
  assertEquals(evaluation.psnrMoving, undefined);
});

Deno.test("evaluate() scores the frames of a scene without held-out views against the other frames", async () => {
  const renderer = new Renderer();
  const { evaluation } = await evaluate(renderer, [scene("A")], options);
  assertEquals(evaluation.protocol, "training-views");
  assertEquals(evaluation.views, 3);
  assert(evaluation.psnr > 300); // the model is right
  const nearest = evaluation.perView.map(({ baselines }) => baselines.nearest.psnr);
  nearest.forEach((psnr) => assertAlmostEquals(psnr, 20 * Math.log10(255 / 40))); // a neighbour, never itself
  assertEquals(evaluation.dynamicness, { moving: 0.75, still: 0.25 });
  assertAlmostEquals(evaluation.depthOrder!, 1);
});

Deno.test("evaluate() keeps scenes apart and says which protocols it followed", async () => {
  const { evaluation, rows } = await evaluate(
    new Renderer(),
    [scene("A", [{ time: 2, camera: 0 }]), scene("B")],
    { ...options, rows: 1 },
  );
  assertEquals(evaluation.protocol, "held-out views and training-views");
  assertEquals(Object.entries(evaluation.scenes).map(([name, { views }]) => [name, views]), [[
    "A",
    1,
  ], ["B", 3]]);
  assertEquals(rows.map((row) => row.scene), ["A", "B"]);
});

Deno.test("evaluate() stops between views when its signal says so", async () => {
  const controller = new AbortController();
  const renderer = new Renderer();
  const result = evaluate(renderer, [scene("A")], {
    ...options,
    signal: controller.signal,
    onView: () => controller.abort(new Error("enough")),
  });
  await assertRejects(() => result, Error, "enough");
  assertEquals(renderer.asked.length, 1);
});

Deno.test("evaluate() scores views that are frames by the order of depths and the flow of what moves too", async () => {
  const { evaluation } = await evaluate(new Renderer(), [scene("A", [{ time: 0, camera: 1 }])], {
    ...options,
    protocol: "training",
  });
  assertEquals([evaluation.protocol, evaluation.views, evaluation.of], ["training-views", 3, 3]);
  assertEquals(evaluation.truth, "the scene's own frames at 10 x 8");
  assertAlmostEquals(evaluation.depthOrder!, 1);
  assertEquals(evaluation.endPointError, 3); // (1, 2) to the same camera, (1, 3) to the next frame's; (1, 0) is right
  assertEquals(evaluation.perView.map(({ endPointError }) => endPointError), [3, 3, undefined]);
});

Deno.test("evaluate() holds unseen frames against the nearest seen one, where something moves too", async () => {
  const { evaluation } = await evaluate(new Renderer(), [scene("A")], {
    ...options,
    protocol: "unseen",
    seenFrames: 1,
  });
  assertEquals([evaluation.protocol, evaluation.views], ["unseen", 2]);
  const nearest = evaluation.perView.map(({ baselines }) => baselines.nearest.psnr);
  nearest.forEach((psnr, i) => assertAlmostEquals(psnr, 20 * Math.log10(255 / (40 * (i + 1)))));
  assertEquals(evaluation.perView.map(({ baselines }) => baselines.mean.psnr), nearest);
  assert(evaluation.psnrMoving! > 300);
});

Deno.test("evaluate() asks for LPIPS once a view, and says how the truth was made", async () => {
  const large = 32;
  const big = (name: string, held: View[]): Scene => {
    const frames = ndarray(new Uint8Array(3 * large * large * 3), [3, large, large, 3]);
    return { ...scene(name, held), width: large, height: large, images: frames };
  };
  const asked: number[] = [];
  const lpips: PictureDistance = {
    compare: (pictures, _truth, region) => {
      asked.push(pictures.length);
      const moving = region ? { region: 0.5 } : {};
      return Promise.resolve(
        pictures.map((_, i) => ({ distance: i / 10, terms: [], ...moving })),
      );
    },
  };
  const renderer: ViewRenderer = {
    render: async (number, camera, time) => {
      const image = await new Renderer().render(number, camera, time);
      const color = ndarray(new Float32Array(large * large * 3), [large, large, 3]);
      return { ...image, color, dynamicness: ndarray(new Float32Array(80), [8, 10]) };
    },
  };
  const { evaluation } = await evaluate(renderer, [big("A", [{ time: 2, camera: 0 }])], {
    views: 0,
    lpips,
    truth: () => Promise.resolve(ndarray(new Uint8Array(large * large * 3), [large, large, 3])),
    aboutTruth: () => Promise.resolve("JPEG"),
  });
  assertEquals(asked, [3]);
  assertEquals([evaluation.lpips, evaluation.lpipsMoving], [0, undefined]);
  assertEquals([evaluation.baselines.nearest.lpips, evaluation.baselines.mean.lpips], [0.1, 0.2]);
  assertEquals(evaluation.truth, "JPEG");

  asked.length = 0; // too small a picture has no LPIPS
  const small = await evaluate(new Renderer(), [scene("A")], { ...options, lpips });
  assertEquals([small.evaluation.lpips, asked.length], [undefined, 0]);
});

Deno.test("evaluate() averages how far followed points are from their true paths, where that is known", async () => {
  const held = [{ time: 2, camera: 0 }, { time: 0, camera: 1 }, { time: 1, camera: 2 }];
  const asked: string[] = [];
  const { evaluation } = await evaluate(new Renderer(), [scene("A", held), scene("B", held)], {
    ...options,
    trackError: (scene, { time, camera }, image) => {
      asked.push(`${scene}: time ${time} camera ${camera}, ${image.width}`);
      return Promise.resolve(scene === 1 || time === 1 ? undefined : 1 + time);
    },
  });
  assertEquals(asked[0], "0: time 2 camera 0, 10");
  assertEquals(asked.length, 6);
  assertEquals([evaluation.trackError, evaluation.scenes.A.trackError], [2, 2]);
  assertEquals(evaluation.scenes.B.trackError, undefined);
  assertEquals(evaluation.perView.map(({ trackError }) => trackError).slice(0, 3), [
    3,
    1,
    undefined,
  ]);
});

Deno.test("layerPictures() makes a picture of each layer", async () => {
  const pictures: EvaluatedView[] = [];
  await evaluate(new Renderer(), [scene("A")], {
    ...options,
    onView: (view) => void pictures.push(view),
  });
  const layers = layerPictures(pictures[1].image);
  assertEquals(Object.keys(layers), ["color", "static", "dynamic", "depth", "dynamicness", "flow"]);
  for (const { shape } of Object.values(layers)) assertEquals(shape, [height, width, 3]);
  assertEquals(layers.color.get(0, 0, 0), 40);
  assertEquals(layers.dynamicness.get(3, 0, 1), 191); // floor(255 · 0.75)
});
