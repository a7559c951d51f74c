// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";

/** A share of the lengths of both vectors, and pixels, that they may miss each other by. */
const TOLERANCE = 0.5, TOLERANCE_PIXELS = 0.5;
/** Steps of a pixel to which the places of the warp are rounded, as OpenCV's `remap` does. */
const STEPS = 32;

/** What the check of a flow against the opposite one gave. */
export interface FlowConsistency {
  /** `[height, width, 2]`: the opposite flow at each pixel's goal. */
  warped: NdArray<Float32Array>;
  /** `[height, width]`: right side minus left side of the test, pixels. */
  margin: NdArray<Float32Array>;
  /** `[height, width]`: 1 where the margin is above 0. */
  valid: NdArray<Uint8Array>;
}

/** Where a flow can be trusted, `[height, width]`, 1 or 0: `valid` of {@linkcode flowConsistency}. */
export function flowValidity(
  flow: NdArray<Float32Array>,
  opposite: NdArray<Float32Array>,
): NdArray<Uint8Array> {
  return flowConsistency(flow, opposite).valid;
}

/**
 * Holds a flow against the opposite one: valid where `|F + B'| < 0.5 (|F| + |B'|) + 0.5`, `B'(p) = B(p + F(p))`, in float32.
 *
 * A pixel that leaves the picture has `B' = 0`: it stays valid where its flow is shorter than a pixel.
 *
 * @param flow F, `[height, width, 2]`, x right then y down, pixels.
 * @param opposite B, from the other frame to this one, of the same shape.
 * @throws {RangeError} If the shapes differ.
 */
export function flowConsistency(
  flow: NdArray<Float32Array>,
  opposite: NdArray<Float32Array>,
): FlowConsistency {
  if (`${flow.shape}` !== `${opposite.shape}`) {
    throw new RangeError(
      `Cannot check flow (${flow.shape}) against (${opposite.shape}), wanted one shape`,
    );
  }
  const [height, width] = flow.shape;
  const warped = warpCubic(opposite, flow);
  const margin = new Float32Array(height * width), valid = new Uint8Array(height * width);
  const length = (x: number, y: number) => {
    const squares = Math.fround(Math.fround(x * x) + Math.fround(y * y));
    return Math.fround(Math.sqrt(squares));
  };
  for (let pixel = 0; pixel < valid.length; pixel++) {
    const x = flow.data[2 * pixel], y = flow.data[2 * pixel + 1];
    const backX = warped.data[2 * pixel], backY = warped.data[2 * pixel + 1];
    const missed = length(Math.fround(x + backX), Math.fround(y + backY));
    const lengths = Math.fround(length(x, y) + length(backX, backY));
    margin[pixel] = Math.fround(TOLERANCE * lengths + TOLERANCE_PIXELS) - missed;
    valid[pixel] = margin[pixel] > 0 ? 1 : 0;
  }
  return {
    warped,
    margin: ndarray(margin, [height, width]),
    valid: ndarray(valid, [height, width]),
  };
}

/**
 * A map sampled at `p + flow(p)`, as OpenCV's cubic `remap` with a border of zeros: the place is added in float32 and rounded to
 * 1/32 pixel; 4×4 taps with the kernel a = −0.75, each tap outside the picture 0 on its own.
 *
 * @param map `[height, width, 2]`.
 * @param flow Of the same shape, x then y, pixels.
 */
function warpCubic(map: NdArray<Float32Array>, flow: NdArray<Float32Array>): NdArray<Float32Array> {
  const [height, width] = map.shape;
  const warped = new Float32Array(map.data.length);
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const stepsX = roundHalfEven(STEPS * Math.fround(x + flow.data[2 * pixel]));
      const stepsY = roundHalfEven(STEPS * Math.fround(y + flow.data[2 * pixel + 1]));
      const column = Math.floor(stepsX / STEPS), row = Math.floor(stepsY / STEPS);
      const weightsX = WEIGHTS[stepsX - column * STEPS], weightsY = WEIGHTS[stepsY - row * STEPS];
      if (!weightsX || !weightsY) continue; // a flow that is not finite leads nowhere
      let sumX = 0, sumY = 0;
      for (let j = 0; j < 4; j++) {
        const tapRow = row - 1 + j;
        if (!(tapRow >= 0 && tapRow < height)) continue;
        for (let i = 0; i < 4; i++) {
          const tapColumn = column - 1 + i;
          if (!(tapColumn >= 0 && tapColumn < width)) continue;
          const weight = weightsY[j] * weightsX[i];
          const tap = 2 * (tapRow * width + tapColumn);
          sumX += weight * map.data[tap];
          sumY += weight * map.data[tap + 1];
        }
      }
      warped[2 * pixel] = sumX;
      warped[2 * pixel + 1] = sumY;
    }
  }
  return ndarray(warped, map.shape.slice());
}

/** Weights of the four taps for each fraction of a pixel. */
const WEIGHTS: (number[] | undefined)[] = Array.from({ length: STEPS }, (_, step) => {
  const a = -0.75, f = step / STEPS;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const first = [far(1 + f), near(f), near(1 - f)];
  return [...first, 1 - first[0] - first[1] - first[2]];
});

function roundHalfEven(value: number): number {
  const below = Math.floor(value), rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
