/**
 * Tensors one after the other in a flat one: one buffer to read, write, zero or step, and a tensor for each part of it.
 *
 * @module
 */
import { type Layout, sizeOf, type Tensor } from "./tensor.ts";

const alignment = 64; // numbers: WebGPU binds ranges at multiples of 256 bytes

/** Shapes of tensors in rows, by name. */
export type Shapes<Name extends string = string> = Readonly<Record<Name, readonly number[]>>;

/** Numbers of a flat tensor for these shapes, and where each of them begins: at multiples of 64, in their order. */
export function flatLayout(
  shapes: Iterable<readonly number[]>,
): { readonly size: number; readonly offsets: readonly number[] } {
  const offsets: number[] = [];
  let size = 0;
  for (const shape of shapes) {
    offsets.push(size);
    size += Math.ceil(sizeOf(shape, "rows") / alignment) * alignment;
  }
  return { size, offsets };
}

/** What a view is beside its place. */
export interface ViewOptions {
  readonly label: string;
  readonly shape: readonly number[];
  readonly layout?: Layout;
  readonly requiresGradient?: boolean | undefined;
}

/** Some numbers of a tensor that has memory as a tensor, from an offset that is a multiple of 64. */
export function tensorView(
  whole: Tensor,
  offset: number,
  { label, shape, layout = "rows", requiresGradient = false }: ViewOptions,
): Tensor {
  const size = sizeOf(shape, layout);
  if (!whole.memory) throw new Error(`Cannot view "${whole.label}": it has no memory yet`);
  if (offset % alignment !== 0 || offset < 0 || offset + size > whole.size) {
    throw new Error(
      `Cannot view "${label}": ${size} numbers from ${offset} of the ${whole.size} of "${whole.label}", ` +
        `wanted inside, from a multiple of ${alignment}`,
    );
  }
  const memory = { buffer: whole.memory.buffer, offset: whole.memory.offset + 4 * offset };
  return { label, shape: [...shape], layout, size, requiresGradient, memory };
}

/**
 * The tensors of a flat one, by name, as {@link flatLayout} lays them.
 *
 * @param options how a view is labelled (by its name), and whether it requires a gradient
 */
export function tensorViews<Name extends string>(
  whole: Tensor,
  shapes: Shapes<Name>,
  options: { readonly label?: (name: Name) => string; readonly requiresGradient?: boolean } = {},
): Readonly<Record<Name, Tensor>> {
  const { label = (name: Name) => name, requiresGradient } = options;
  const names = Object.keys(shapes) as Name[];
  const { offsets } = flatLayout(Object.values(shapes));
  const views = names.map((name, i): [Name, Tensor] => {
    const view = { label: label(name), shape: shapes[name], requiresGradient };
    return [name, tensorView(whole, offsets[i], view)];
  });
  return Object.fromEntries(views) as Record<Name, Tensor>;
}

/** Numbers before a view in its buffer. */
export function offsetOf(view: Tensor): number {
  if (!view.memory) throw new Error(`Cannot place "${view.label}": it has no memory yet`);
  return view.memory.offset / 4;
}
