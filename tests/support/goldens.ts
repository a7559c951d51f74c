import { AssertionError } from "@std/assert";
import { basename, dirname, fromFileUrl, join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { readNpz } from "../../src/data/formats/npz.ts";

// fixtures/goldens/README.md tells where the numbers come from and how the files are laid out.

/** A case of the golden numbers: generated or stored inputs, expected outputs, their tolerances. */
export interface GoldenCase {
  readonly name: string;
  /** Put before an input's name when its values are generated. */
  readonly prefix: string;
  readonly config: Record<string, unknown>;
  /** Names of all inputs: parameters, rays, output gradients `ct/…`. */
  readonly inputs: string[];
  /**
   * Keys of all expected tensors. The mode reads `spec`; where the set has no `spec` entry the `paper` one
   * stands under that name. Sampled tensors appear under their plain name.
   */
  readonly keys: string[];
  /** The values of an input, generated from its name or read from the case's file. */
  input(name: string): NdArray<Float32Array>;
  /** Whether a tensor is expected under this key. */
  has(key: string): boolean;
  /** An expected tensor that is stored in full. */
  output(key: string): NdArray<Float32Array>;
  /** An expected tensor that is stored by samples: flat indices, values there, norm of the whole. */
  samples(key: string): { indices: Int32Array; values: Float32Array; norm?: number | undefined };
  /** Absolute tolerance of an expected tensor. */
  tol(key: string): number;
}

/** What a tensor may be handed over as. */
export type Actual = number | ArrayLike<number> | NdArray<Float32Array | Float64Array | Uint8Array>;

interface Index {
  prefix: string;
  det_check: { fullname: string; fnv1a32: number; scale: number; shift: number; first: number[] }[];
  cases: {
    name: string;
    file: string;
    config: Record<string, unknown>;
    inputs: InputEntry[];
    outputs: OutputEntry[];
  }[];
}

type InputEntry =
  | {
    source: "det";
    name: string;
    shape: number[];
    scale: number;
    shift: number;
    damp?: boolean;
  }
  | { source: "npz"; name: string; shape: number[]; key: string; dtype: string };

interface OutputEntry {
  key: string;
  shape: number[];
  dtype: string;
  tol: number;
}

/** Folder of the goldens: the environment variable `GOLDENS`, or `fixtures/goldens`. */
export function goldensDirectory(): string {
  return Deno.env.get("GOLDENS") ||
    fromFileUrl(new URL("../../fixtures/goldens", import.meta.url));
}

/** The index of the goldens, or of those in a folder of them. */
export async function loadIndex(folder = "."): Promise<Index> {
  return JSON.parse(await Deno.readTextFile(join(goldensDirectory(), folder, "index.json")));
}

/** Loads a case of the goldens by its name: `losses`, or `prep/lpips` of the folder `prep`. */
export async function loadCase(name: string): Promise<GoldenCase> {
  const folder = dirname(name);
  const index = await loadIndex(folder);
  const found = index.cases.find((each) => each.name === basename(name));
  if (!found) {
    throw new Error(
      `Cannot load golden case "${name}": "${join(goldensDirectory(), folder)}" has ` +
        index.cases.map((each) => each.name).join(", "),
    );
  }
  const file = await readNpz(join(goldensDirectory(), folder, found.file));
  const inputs = new Map(found.inputs.map((entry) => [entry.name, entry]));
  const outputs = specOutputs(found.outputs);
  const values = ({ key }: OutputEntry): NdArray<Float32Array> =>
    toFloat32(file.array(`out/${key}`, ["float32", "float64", "int32", "bool", "uint8"]));
  const wanted = (key: string): OutputEntry => {
    const entry = outputs.get(key);
    if (entry) return entry;
    const sampled = outputs.has(`${key}@val`) ? "it is stored by samples only" : "not in this case";
    throw new Error(`Cannot read output "${key}" of golden case "${name}": ${sampled}`);
  };
  return {
    name,
    prefix: index.prefix,
    config: found.config,
    inputs: [...inputs.keys()],
    keys: [...new Set([...outputs.keys()].map((key) => key.replace(/@(idx|val|l2)$/, "")))],
    input(name) {
      const entry = inputs.get(name);
      if (!entry) throw new Error(`Cannot make input "${name}": not in case "${found.name}"`);
      if (entry.source === "npz") {
        return toFloat32(file.array(entry.key, ["float32", "float64", "int32", "bool"]));
      }
      const size = entry.shape.reduce((product, length) => product * length, 1);
      const data = deterministic(index.prefix + name, size, entry.scale, entry.shift);
      if (entry.damp) {
        const columns = entry.shape[1];
        for (let i = 0; i < size; i++) {
          data[i] *= 2 ** -Math.max(0, Math.floor((i % columns - 4) / 8));
        }
      }
      return ndarray(data, entry.shape);
    },
    has: (key) => outputs.has(key) || outputs.has(`${key}@val`),
    output: (key) => values(wanted(key)),
    samples(key) {
      const norm = outputs.get(`${key}@l2`);
      return {
        indices: file.array(`out/${wanted(`${key}@idx`).key}`, ["int32"]).data,
        values: values(wanted(`${key}@val`)).data,
        norm: norm && values(norm).data[0],
      };
    },
    tol: (key) => (outputs.get(key) ?? wanted(`${key}@val`)).tol,
  };
}

/**
 * Holds tensors against a case's expected ones, and fails with the list of all that are off.
 *
 * `|actual − expected| ≤ factor · tol` for each value; of sampled tensors at the samples, and their norm.
 *
 * @param factor How many times `tol` is allowed: the tolerances are those of a CPU in float32, a GPU sums in
 * another order and fuses multiply-adds.
 * @param share Part of a tensor's largest value that is allowed in any case.
 * @returns The largest `|actual − expected| / tol` and its key.
 */
export function expectClose(
  golden: GoldenCase,
  actual: Record<string, Actual>,
  factor: number = 4,
  share: number = 0,
): { worst: number; key: string } {
  const failures: string[] = [];
  let worst = { worst: 0, key: "" };
  for (const [key, value] of Object.entries(actual)) {
    const found = flat(value);
    const checks = golden.has(key) ? comparisons(golden, key, found) : undefined;
    if (checks === undefined) {
      failures.push(`${key}: not in this case`);
      continue;
    }
    if (typeof checks === "string") {
      failures.push(`${key}: ${checks}`);
      continue;
    }
    for (const { label, actual, expected, tol: stored, index } of checks) {
      const largest = Array.from(expected).reduce(
        (most, value) => Math.max(most, Math.abs(value)),
        0,
      );
      const tol = Math.max(stored, share * largest / factor);
      let off = -1, ratio = 0, count = 0;
      for (let i = 0; i < expected.length; i++) {
        const r = actual[i] === expected[i] ? 0 : Math.abs(actual[i] - expected[i]) / tol;
        if (!(r <= factor)) count++;
        if (!(r <= ratio)) { // also when r is NaN
          off = i;
          ratio = Number.isNaN(r) ? Infinity : r;
        }
      }
      if (ratio > worst.worst) worst = { worst: ratio, key: label };
      if (count > 0) {
        failures.push(
          `${label}: ${count} of ${expected.length} values off, worst at ${index(off)}: ` +
            `wanted ${expected[off]}, found ${actual[off]}, ` +
            `${ratio.toFixed(1)} times the tolerance ${tol.toExponential(1)}`,
        );
      }
    }
  }
  if (failures.length > 0) {
    throw new AssertionError(
      `Golden case "${golden.name}" does not hold (${failures.length} failures, ` +
        `${factor} times the tolerance is allowed):\n  ${failures.join("\n  ")}`,
    );
  }
  return worst;
}

interface Comparison {
  label: string;
  actual: ArrayLike<number>;
  expected: ArrayLike<number>;
  tol: number;
  index(i: number): string;
}

function comparisons(
  golden: GoldenCase,
  key: string,
  actual: ArrayLike<number>,
): Comparison[] | string {
  if (golden.has(`${key}@val`)) {
    const { indices, values, norm } = golden.samples(key);
    const last = indices.reduce((most, index) => Math.max(most, index), 0);
    if (last >= actual.length) {
      return `wanted more than ${last} values, found ${actual.length}`;
    }
    const at = Float64Array.from(indices, (index) => actual[index]);
    const index = (i: number) => `[${indices[i]}]`;
    const checks = [{ label: key, actual: at, expected: values, tol: golden.tol(key), index }];
    if (norm !== undefined) {
      let squares = 0;
      for (let i = 0; i < actual.length; i++) squares += actual[i] ** 2;
      checks.push({
        label: `${key}@l2`,
        actual: Float64Array.of(Math.sqrt(squares)),
        expected: Float32Array.of(norm),
        tol: golden.tol(`${key}@l2`),
        index: () => "its norm",
      });
    }
    return checks;
  }
  const { data: expected, shape } = golden.output(key);
  if (expected.length !== actual.length) {
    return `wanted ${expected.length} values (${shape.join(" x ")}), found ${actual.length}`;
  }
  const index = (i: number) => position(i, shape);
  return [{ label: key, actual, expected, tol: golden.tol(key), index }];
}

const MODES = ["released", "paper", "spec"];

/** Outputs by the name they have in mode `spec`: `spec` if there is one, else `paper`, else without a mode. */
function specOutputs(entries: OutputEntry[]): Map<string, OutputEntry> {
  const rank = (entry: OutputEntry) =>
    Math.max(...entry.key.split("/").map((part) => MODES.indexOf(part)));
  const outputs = new Map<string, OutputEntry>();
  for (const entry of entries) {
    if (rank(entry) === 0) continue;
    const key = entry.key.split("/").map((part) => MODES.includes(part) ? "spec" : part).join("/");
    const other = outputs.get(key);
    if (!other || rank(other) < rank(entry)) outputs.set(key, entry);
  }
  return outputs;
}

/**
 * Tensor generated from its name: `value(i) = ((pcg(fnv1a(name) + i) >> 8) / 2²⁴ · 2 − 1) · scale + shift`,
 * rounded once to float32; all integer arithmetic modulo 2³².
 */
export function deterministic(
  fullname: string,
  size: number,
  scale: number,
  shift: number,
): Float32Array {
  const start = fnv1a(fullname);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const state = (Math.imul(start + i, 747796405) + 2891336453) >>> 0;
    const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
    const bits = ((word >>> 22) ^ word) >>> 8;
    values[i] = (bits / 2 ** 24 * 2 - 1) * scale + shift;
  }
  return values;
}

/** FNV-1a, 32 bits, of the UTF-8 bytes. */
export function fnv1a(text: string): number {
  let hash = 2166136261;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 16777619);
  return hash >>> 0;
}

function flat(value: Actual): ArrayLike<number> {
  if (typeof value === "number") return [value];
  return "data" in value ? value.data : value;
}

function toFloat32(
  array: NdArray<Float32Array | Float64Array | Int32Array | Uint8Array>,
): NdArray<Float32Array> {
  return ndarray(Float32Array.from(array.data), array.shape);
}

/** `[i, j, k]` of a flat row-major index. */
function position(index: number, shape: number[]): string {
  const at = shape.toReversed().map((length) => {
    const i = index % length;
    index = Math.floor(index / length);
    return i;
  });
  return `[${at.reverse().join(", ")}]`;
}
