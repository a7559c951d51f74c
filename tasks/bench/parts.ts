/**
 * The parts of a training step, by the labels of its dispatches.
 *
 * @module
 */
import type { ProfileRow } from "../../src/runtime/program.ts";

/** What belongs to a part, by the first pattern that a label fits. */
const patterns: readonly (readonly [string, RegExp])[] = [
  ["rays", /^rays\./],
  ["optimizer", /^adam\.|gradients\.fill$/],
  ["encoders", /\bencoder(2d)?\./],
  ["losses", /^losses\./],
  ["flows", /^(flow|induced)\./],
  ["compositing", /^composite\./],
  ["encodings", /\b(view_)?encoding\b/],
  ["feature sampling", /\bfeatures\./],
  ["global code", /^global\./],
  ["trajectory", /\btrajectory\./],
  ["trunk", /\b(trunk|sf_linear)\./],
  ["static field", /^static\./],
  ["dynamic field", /\bdynamic\./],
];

/** The order in which a step runs through its parts. */
export const partNames: readonly string[] = [
  "encoders",
  "rays",
  "encodings",
  "feature sampling",
  "global code",
  "trunk",
  "trajectory",
  "dynamic field",
  "static field",
  "compositing",
  "flows",
  "losses",
  "optimizer",
];

/** The part that a dispatch belongs to; undefined where its label fits none. */
export function partOf(label: string): string | undefined {
  return patterns.find(([, pattern]) => pattern.test(label))?.[0];
}

/** Whether a dispatch repeats one of the forward pass, to save memory: its operations count once. */
export function isRepeated(label: string): boolean {
  return label.endsWith(".again");
}

/** Operations of a step without those that are done twice. */
export function usefulFlops(steps: readonly { label: string; flops: number }[]): number {
  return steps.reduce((sum, { label, flops }) => sum + (isRepeated(label) ? 0 : flops), 0);
}

/** Time and operations of a part of a step. */
export interface PartRow {
  readonly part: string;
  readonly forward: number;
  /** Gradients, and what is made again for them; of the optimizer, all. */
  readonly backward: number;
  readonly flops: number;
}

/** Sums a profile by parts, in the profile's unit of time; the backward pass begins where gradients are set to zero. */
export function byParts(profile: readonly ProfileRow[]): PartRow[] {
  const split = profile.findIndex(({ label }) => label.endsWith("gradients.fill"));
  const sums = new Map<string, { forward: number; backward: number; flops: number }>();
  profile.forEach(({ label, milliseconds, flops }, i) => {
    const part = partOf(label) ?? "other";
    const sum = sums.get(part) ?? { forward: 0, backward: 0, flops: 0 };
    sum[split < 0 || i < split ? "forward" : "backward"] += milliseconds;
    if (!isRepeated(label)) sum.flops += flops;
    sums.set(part, sum);
  });
  return [...partNames, "other"].flatMap((part) => {
    const sum = sums.get(part);
    return sum ? [{ part, ...sum }] : [];
  });
}
