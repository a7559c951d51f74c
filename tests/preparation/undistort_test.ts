import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { ColmapCamera, ColmapCameraModel } from "../../src/data/given/colmap/model.ts";
import { DataError } from "../../src/data/files.ts";
import {
  largestShiftPixels,
  straightCamera,
  undistortImage,
  undistortMask,
} from "../../src/preparation/undistort.ts";

const WIDTH = 96, HEIGHT = 64, FOCAL = 80;

function camera(model: ColmapCameraModel, ...parameters: number[]): ColmapCamera {
  const size = { width: WIDTH, height: HEIGHT };
  return { id: 1, model, ...size, parameters: Float64Array.from(parameters) };
}

const MIDDLE = [WIDTH / 2, HEIGHT / 2];
const radial = camera("RADIAL", FOCAL, ...MIDDLE, -0.12, 0.05);
const opencv = camera("OPENCV", FOCAL, 82, 49, 31, -0.1, 0.02, 0.004, -0.003);

/** A smooth picture that is known everywhere, at a place of the straight camera, pixels, centres at .5. */
function scene(u: number, v: number): [number, number, number] {
  return [
    127 + 100 * Math.sin(u / 5) * Math.cos(v / 7),
    127 + 100 * Math.cos(u / 9 + v / 6),
    2 * u,
  ];
}

/**
 * Straightens a place by fixed-point iteration on COLMAP's definition, written out here once more: the other direction of
 * what is tested.
 */
function straighten(lens: ColmapCamera, u: number, v: number): number[] {
  const { model, parameters: p } = lens;
  const [fx, fy, cx, cy] = model === "OPENCV" ? p : [p[0], p[0], p[1], p[2]];
  const [k1, k2, p1, p2] = model === "OPENCV" ? p.subarray(4) : [p[3], p[4] ?? 0, 0, 0];
  const lensX = (u - cx) / fx, lensY = (v - cy) / fy;
  let x = lensX, y = lensY;
  for (let step = 0; step < 100; step++) {
    const r2 = x * x + y * y;
    const moved = k1 * r2 + k2 * r2 ** 2;
    [x, y] = [
      lensX - (x * moved + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)),
      lensY - (y * moved + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y),
    ];
  }
  const [focal] = straightCamera(lens).parameters;
  return [focal * x + WIDTH / 2, focal * y + HEIGHT / 2];
}

/** What the lens sees of the scene. */
function photograph(lens: ColmapCamera): NdArray<Uint8Array> {
  const image = ndarray(new Uint8Array(HEIGHT * WIDTH * 3), [HEIGHT, WIDTH, 3]);
  for (let v = 0; v < HEIGHT; v++) {
    for (let u = 0; u < WIDTH; u++) {
      const [straightU, straightV] = straighten(lens, u + 0.5, v + 0.5);
      scene(straightU, straightV).forEach((value, c) => image.set(v, u, c, Math.round(value)));
    }
  }
  return image;
}

for (const lens of [radial, opencv]) {
  Deno.test(`undistortImage() gives back what a ${lens.model} lens bent`, () => {
    assert(largestShiftPixels(lens) > 1, `${largestShiftPixels(lens)}`);
    const straight = undistortImage(photograph(lens), lens);
    let bent = 0, worst = 0;
    for (let v = 6; v < HEIGHT - 6; v++) {
      for (let u = 6; u < WIDTH - 6; u++) {
        scene(u + 0.5, v + 0.5).forEach((value, c) => {
          worst = Math.max(worst, Math.abs(straight.get(v, u, c) - value));
          bent = Math.max(bent, Math.abs(photographed.get(lens)!.get(v, u, c) - value));
        });
      }
    }
    assert(bent > 20 && worst < 2.5, `bent ${bent}, straightened ${worst} of 255`);
  });
}
const photographed = new Map([radial, opencv].map((lens) => [lens, photograph(lens)]));

Deno.test("undistortImage() leaves the pictures of straight cameras as they are", () => {
  const image = photograph(radial);
  for (
    const lens of [
      camera("SIMPLE_PINHOLE", FOCAL, ...MIDDLE),
      camera("PINHOLE", FOCAL, FOCAL, ...MIDDLE),
      camera("SIMPLE_RADIAL", FOCAL, ...MIDDLE, 0),
      camera("RADIAL", FOCAL, ...MIDDLE, 0, 0),
    ]
  ) {
    assertAlmostEquals(largestShiftPixels(lens), 0, 1e-12);
    assertEquals(undistortImage(image, lens).data, image.data, lens.model);
  }
});

/** Lenses by which a straight picture of the same focal length would show what nobody filmed. */
const narrow = [
  camera("SIMPLE_RADIAL", FOCAL, ...MIDDLE, 0.12), // a pincushion
  camera("SIMPLE_PINHOLE", FOCAL, WIDTH / 2 + 9, HEIGHT / 2 - 4), // looks aside
  camera("PINHOLE", FOCAL, 1.2 * FOCAL, ...MIDDLE), // pixels that are not square
  opencv,
];

for (const lens of narrow) {
  Deno.test(`straightCamera() of ${lens.model} ${lens.parameters} sees what was filmed, and no less than it must`, () => {
    const straight = straightCamera(lens), [focal] = straight.parameters;
    assert(focal > FOCAL && focal < 1.4 * FOCAL, `${focal}`);
    // Which column and row each straight pixel is taken from: none from beyond the picture, and some from its very edge.
    const nearest = (axis: "column" | "row") => {
      const values = Float32Array.from(
        { length: WIDTH * HEIGHT },
        (_, i) => axis === "column" ? i % WIDTH : Math.floor(i / WIDTH),
      );
      return undistortMask(ndarray(values, [HEIGHT, WIDTH]), lens, straight);
    };
    const columns = nearest("column"), rows = nearest("row");
    let repeated = 0;
    for (let v = 0; v < HEIGHT; v++) {
      for (let u = 0; u + 2 < WIDTH; u++) {
        const [a, b, c] = [u, u + 1, u + 2].map((u) => columns.get(v, u));
        if (a === b && b === c && [0, WIDTH - 1].includes(a)) repeated++;
      }
    }
    assertEquals(repeated, 0);
    const touched = [columns.data.includes(0), columns.data.includes(WIDTH - 1)]
      .concat([rows.data.includes(0), rows.data.includes(HEIGHT - 1)]);
    assert(touched.includes(true), `${touched}`);
  });
}

Deno.test("straightCamera() refuses a lens whose middle lies outside the picture", () => {
  assertThrows(
    () => straightCamera(camera("SIMPLE_PINHOLE", FOCAL, 2 * WIDTH, 32)),
    DataError,
    "less than a quarter of their width shows anything; pose them again",
  );
});

Deno.test("largestShiftPixels() of SIMPLE_RADIAL is that of the corner pixels, |k| r³ f", () => {
  const k = -0.029, lens = camera("SIMPLE_RADIAL", FOCAL, ...MIDDLE, k);
  const r = Math.hypot(WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5) / FOCAL;
  assertAlmostEquals(largestShiftPixels(lens), -k * r ** 3 * FOCAL, 1e-9);
});

Deno.test("straightCamera() is a pinhole about the middle", () => {
  assertEquals(straightCamera(radial), camera("SIMPLE_PINHOLE", FOCAL, ...MIDDLE));
  const [short, long] = [FOCAL, 1.1 * FOCAL].map((f) => camera("SIMPLE_PINHOLE", f, ...MIDDLE));
  const [focal] = straightCamera(short, long).parameters;
  // The mean would show more than the longer one filmed, up to the middles of the outer pixels.
  assertAlmostEquals(focal, 1.1 * FOCAL * (WIDTH - 1) / WIDTH, 1e-4);
  assertAlmostEquals(largestShiftPixels(straightCamera(opencv)), 0, 1e-12);
});

Deno.test("undistortMask() moves a mask as undistortImage() moves the picture", () => {
  const mask = ndarray(new Uint8Array(HEIGHT * WIDTH), [HEIGHT, WIDTH]);
  const image = ndarray(new Uint8Array(HEIGHT * WIDTH * 3), [HEIGHT, WIDTH, 3]);
  for (let v = 0; v < 30; v++) {
    for (let u = 0; u < 20; u++) {
      mask.set(v, u, 1);
      for (let c = 0; c < 3; c++) image.set(v, u, c, 200);
    }
  }
  const moved = undistortMask(mask, opencv), picture = undistortImage(image, opencv);
  let differing = 0;
  for (let pixel = 0; pixel < moved.data.length; pixel++) {
    if ((picture.data[3 * pixel] > 100 ? 1 : 0) !== moved.data[pixel]) differing++;
  }
  assert(differing < 10, `${differing} pixels`);
  assert(moved.data.some((value, pixel) => value !== mask.data[pixel]));
});

Deno.test("undistortImage() refuses frames of another size, and fisheyes", () => {
  const small = ndarray(new Uint8Array(12), [2, 2, 3]);
  assertThrows(
    () => undistortImage(small, radial),
    DataError,
    "Cannot straighten a frame of 2 x 2: the camera is for 96 x 64",
  );
  const fisheye = camera("OPENCV_FISHEYE", FOCAL, FOCAL, ...MIDDLE, 0, 0, 0, 0);
  assertThrows(
    () => largestShiftPixels(fisheye),
    DataError,
    "Cannot straighten frames of camera model OPENCV_FISHEYE: MonoNeRF needs pinhole views",
  );
});
