import type { DataError } from "../data_error.ts";
import type { SafetensorsTensor } from "../formats/safetensors.ts";
import { toFloat32 } from "./half.ts";

/** Weights from a file. */
export interface NamedTensors {
  /** The file's path or name, for messages. */
  readonly name: string;
  /** By path in the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

/**
 * A weight's numbers as float32, without a copy where they are it.
 *
 * @param tensor What the file has under its name.
 * @param shape What it must have.
 * @param fail Makes an error of what was found: `is missing`.
 * @throws {DataError} If there is none, it has another shape, or a number is not finite.
 */
export function requireWeight(
  tensor: SafetensorsTensor | undefined,
  shape: readonly number[],
  fail: (found: string) => DataError,
): Float32Array {
  if (!tensor) throw fail("is missing");
  if (`${tensor.shape}` !== `${shape}`) {
    throw fail(`is (${tensor.shape.join(", ")}), wanted (${shape.join(", ")})`);
  }
  const numbers = toFloat32(tensor);
  for (const value of numbers) if (!Number.isFinite(value)) throw fail(`holds ${value}`);
  return numbers;
}
