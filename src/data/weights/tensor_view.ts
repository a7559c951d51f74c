/**
 * Tensors as PyTorch keeps them: views of storages by offset, sizes and strides. Storages may be shared, views may overlap, and
 * a stride of 0 repeats an element.
 *
 * @module
 */
import {
  type SafetensorsDtype,
  type SafetensorsTensor,
  tensorViews,
} from "../formats/safetensors.ts";

/** Element type of a tensor in a PyTorch file. */
export type PthDtype = Exclude<SafetensorsDtype, "U16" | "U32" | "U64">;

/** A tensor of a PyTorch file, row-major and contiguous; F16 and BF16 as their bits. */
export type PthTensor = Extract<SafetensorsTensor, { dtype: PthDtype }>;

/** Memory that tensors view; where its bytes are is the container's business. */
export interface Storage {
  /** Its name in the file. */
  readonly key: string;
  /** Its size. */
  readonly bytes: number;
  /** Bytes of an element of the type under which it was met first. */
  readonly itemBytes: number;
}

/** A tensor that is not yet gathered: sizes, strides and offset in elements of `dtype`. */
export class TensorView {
  /** Made by {@linkcode torchHost} only, which has checked that all elements lie in the storage. */
  constructor(
    /** The memory. */
    readonly storage: Storage,
    /** Its elements. */
    readonly dtype: PthDtype,
    /** Where in the storage the first element begins, in bytes. */
    readonly start: number,
    /** Sizes, outermost first. */
    readonly shape: readonly number[],
    /** From one element to the next along each dimension. */
    readonly strides: readonly number[],
  ) {}

  /** Bytes of the tensor once gathered. */
  get bytes(): number {
    return elements(this.shape) * itemBytes(this.dtype);
  }
}

/**
 * Copies a view's elements out of its storage, row-major.
 *
 * @param storage The storage's memory, all of it.
 */
export function gather(view: TensorView, storage: Uint8Array): PthTensor {
  const { dtype, start } = view;
  const bytes = isContiguous(view)
    ? storage.slice(start, start + view.bytes)
    : gatherBytes(view, storage);
  const data = new tensorViews[dtype](bytes.buffer);
  return { dtype, shape: [...view.shape], data } as PthTensor;
}

function gatherBytes(view: TensorView, storage: Uint8Array): Uint8Array<ArrayBuffer> {
  const item = itemBytes(view.dtype);
  const long = [...view.shape.keys()].filter((dimension) => view.shape[dimension] !== 1);
  const lengths = long.map((dimension) => view.shape[dimension]);
  const steps = long.map((dimension) => view.strides[dimension] * item);
  const bytes = new Uint8Array(view.bytes);
  let to = 0;
  const copy = (dimension: number, from: number): void => {
    const length = lengths[dimension], step = steps[dimension];
    if (dimension < lengths.length - 1) {
      for (let i = 0; i < length; i++) copy(dimension + 1, from + i * step);
      return;
    }
    for (let i = 0; i < length; i++, from += step) {
      for (let byte = 0; byte < item; byte++) bytes[to++] = storage[from + byte];
    }
  };
  copy(0, view.start);
  return bytes;
}

function isContiguous({ shape, strides }: TensorView): boolean {
  let inner = 1;
  for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
    if (shape[dimension] !== 1 && strides[dimension] !== inner) return elements(shape) === 0;
    inner *= shape[dimension];
  }
  return true;
}

/** Bytes of an element. */
export function itemBytes(dtype: PthDtype): number {
  return tensorViews[dtype].BYTES_PER_ELEMENT;
}

/** Elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
