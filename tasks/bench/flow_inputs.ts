/**
 * What RAFT is measured on: weights that mean nothing, and a pattern that moves.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { raftParameters } from "../../src/data/weights/raft_weights.ts";
import { hashName, randomUniform } from "../../src/runtime/random.ts";

/** Weights that keep signals near 1 all the way, uniform, by name. */
export function formulaWeights(): Map<string, Float32Array> {
  const gains: readonly (readonly [RegExp, number])[] = [
    [/fnet\.conv2|flow_head\.conv2|convf1/, 0.5],
    [/cnet\.conv2|mask\.2/, 4],
    [/gru/, 1],
  ];
  return new Map(raftParameters.map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const constant = /norm2\.weight$/.test(name)
      ? 0.25
      : /norm\d\.weight$|running_var$/.test(name)
      ? 1
      : undefined;
    if (constant !== undefined) return [name, new Float32Array(size).fill(constant)];
    const gain = gains.find(([pattern]) => pattern.test(name))?.[1] ?? Math.SQRT2;
    const bound = shape.length === 1 ? 1 / 16 : gain * Math.sqrt(3 * shape[0] / size);
    const stream = hashName(name);
    return [
      name,
      Float32Array.from(
        { length: size },
        (_, i) => bound * (2 * randomUniform(0, stream, 0, i) - 1),
      ),
    ];
  }));
}

/** A smooth pattern that moves by (3, −2) pixels a frame. */
export function movingFrame(width: number, height: number, time: number): NdArray<Uint8Array> {
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const channel = i % 3, pixel = Math.floor(i / 3);
    const x = pixel % width - 3 * time, y = Math.floor(pixel / width) + 2 * time;
    let value = 0;
    for (let wave = 0; wave < 6; wave++) {
      const draw = (stream: number) => randomUniform(channel, wave, stream, 0) - 0.5;
      value += Math.sin(draw(0) * x + draw(1) * y + 6 * draw(2));
    }
    return 127.5 + 20 * value;
  });
  return ndarray(data, [height, width, 3]);
}
