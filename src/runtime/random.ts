/**
 * Counter-based random numbers: the CPU twin of `wgsl/common/random.wgsl`.
 *
 * A number depends on (seed, step, stream, index) alone, so a run can be repeated and resumed exactly.
 *
 * @module
 */

/** The draws of one step that must differ from each other; normal numbers take two neighbouring streams. */
export const streams = {
  frame: 1,
  staticFrame: 2,
  staticPixel: 3,
  movingPixel: 4,
  jitter: 5,
  density: 6,
  densityBefore: 8,
  densityAfter: 10,
  parameter: 16,
} as const;

/** PCG-RXS-M-XS hash of 32 bits. */
export function pcg(x: number): number {
  const state = (Math.imul(x, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/** 32 random bits for one place of one stream at one step. */
export function randomBits(seed: number, step: number, stream: number, index: number): number {
  return pcg((index + pcg((stream + pcg((step + pcg(seed >>> 0)) >>> 0)) >>> 0)) >>> 0);
}

/** Uniform in [0, 1) in steps of 2⁻²⁴. */
export function randomUniform(seed: number, step: number, stream: number, index: number): number {
  return (randomBits(seed, step, stream, index) >>> 8) / 2 ** 24;
}

/** Normal with mean 0 and standard deviation 1, by Box and Muller. */
export function randomNormal(seed: number, step: number, stream: number, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - randomUniform(seed, step, stream, index)));
  return radius * Math.cos(2 * Math.PI * randomUniform(seed, step, stream + 1, index) - Math.PI);
}

/** FNV-1a hash of a string's UTF-8 bytes: names become seeds. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
