/**
 * Uniform blocks of a plan: plain numbers packed into one buffer, each distinct block once.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";

/** Numbers of a uniform block, by field. */
export type Uniform = Readonly<Record<string, number | boolean>>;

/** A uniform block of a dispatch. */
export interface UniformUse {
  readonly kernel: Kernel;
  /** The WGSL variable. */
  readonly name: string;
  readonly values: Uniform;
}

/** Bytes of a block in the plan's buffer. */
export interface UniformSlot {
  readonly offset: number;
  readonly size: number;
}

/** All uniform blocks of a plan. */
export interface PackedUniforms {
  /** The buffer's bytes; empty where no dispatch has a block. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly slots: ReadonlyMap<Uniform, UniformSlot>;
}

/** Packs a uniform block's values in the order of its WGSL struct; sizes are multiples of 16 bytes. */
export function packUniform(
  kernel: Kernel,
  name: string,
  values: Uniform,
): Uint8Array<ArrayBuffer> {
  const binding = kernel.bindings.get(name);
  if (!binding || binding.access !== "uniform") {
    throw new Error(`Cannot pack "${name}": ${kernel.path} declares no such uniform`);
  }
  const bytes = new Uint8Array(Math.ceil(binding.fields.length / 4) * 16);
  const view = new DataView(bytes.buffer);
  const unknown = Object.keys(values).filter((key) => !binding.fields.some((f) => f.name === key));
  if (unknown.length) {
    throw new Error(`Cannot pack "${name}" of ${kernel.path}: no field ${unknown.join(", ")}`);
  }
  binding.fields.forEach((field, i) => {
    if (!(field.name in values)) {
      throw new Error(`Cannot pack "${name}" of ${kernel.path}: field ${field.name} is not given`);
    }
    const value = Number(values[field.name]);
    if (field.type === "f32") view.setFloat32(i * 4, value, true);
    else if (field.type === "i32") view.setInt32(i * 4, value, true);
    else view.setUint32(i * 4, value, true);
  });
  return bytes;
}

/**
 * Lays blocks one after the other at an adapter's alignment; those of the same bytes share a place.
 *
 * @param alignment `minUniformBufferOffsetAlignment`, bytes
 */
export function packUniforms(uses: Iterable<UniformUse>, alignment: number): PackedUniforms {
  const slots = new Map<Uniform, UniformSlot>();
  const known = new Map<string, UniformSlot>();
  const parts: { bytes: Uint8Array; offset: number }[] = [];
  let end = 0;
  for (const { kernel, name, values } of uses) {
    const bytes = packUniform(kernel, name, values);
    const key = bytes.join();
    let slot = known.get(key);
    if (!slot) {
      known.set(key, slot = { offset: end, size: bytes.length });
      parts.push({ bytes, offset: end });
      end += Math.ceil(bytes.length / alignment) * alignment;
    }
    slots.set(values, slot);
  }
  const all = new Uint8Array(end);
  for (const { bytes, offset } of parts) all.set(bytes, offset);
  return { bytes: all, slots };
}
