/**
 * Kernels: WGSL files as they stand, their bindings read from the text, their errors shown with file and line.
 *
 * @module
 */
import type { Gpu } from "./device.ts";

/** A uniform block's field, in order; every field is one 4-byte scalar. */
interface UniformField {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}

/** A variable of a WGSL file with a `@binding`. */
interface Binding {
  readonly index: number;
  readonly access: "uniform" | "read" | "read_write";
  /** Fields of a uniform block; empty for storage. */
  readonly fields: readonly UniformField[];
}

/** One WGSL file: its path for messages, its text, and the bindings that the text declares. */
export interface Kernel {
  readonly path: string;
  readonly source: string;
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Which text a line of `source` came from. */
  readonly files: readonly { path: string; lines: number }[];
}

/** Numbers for a WGSL file's `override` constants. */
export type Constants = Readonly<Record<string, number>>;

/**
 * Makes a kernel of a WGSL file and the shared snippets it uses (appended, so that the file's own line numbers hold).
 *
 * Bindings are read from the text: `@group(0) @binding(n) var<uniform> name: Struct` and
 * `var<storage[, read_write]> name: …`; a uniform struct may only have `u32`, `i32` and `f32` fields.
 */
export function defineKernel(path: string, text: string, ...common: [string, string][]): Kernel {
  const files = [[path, text] as [string, string], ...common];
  const source = files.map(([, part]) => part).join("\n");
  const structs = new Map<string, UniformField[]>();
  const plain = source.replace(/\/\/[^\n]*/g, "");
  for (const [, name, body] of plain.matchAll(/struct\s+(\w+)\s*\{([^}]*)\}/g)) {
    const fields = [...body.matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, name, type]) => ({
      name,
      type: type as UniformField["type"],
    }));
    structs.set(name, fields);
  }
  const bindings = new Map<string, Binding>();
  const declaration =
    /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read))?\s*>\s*(\w+)\s*:\s*([\w<>]+)/g;
  for (const [, index, space, access, name, type] of plain.matchAll(declaration)) {
    bindings.set(name, {
      index: Number(index),
      access: space === "uniform" ? "uniform" : access === "read_write" ? "read_write" : "read",
      fields: space === "uniform" ? structs.get(type) ?? [] : [],
    });
  }
  return {
    path,
    source,
    bindings,
    files: files.map(([path, part]) => ({ path, lines: part.split("\n").length })),
  };
}

/** The file and line that a line of a kernel's joined text came from. */
function locate(kernel: Kernel, line: number): string {
  let rest = line;
  for (const file of kernel.files) {
    if (rest <= file.lines) return `${file.path}:${rest}`;
    rest -= file.lines;
  }
  return kernel.path;
}

/** Compiles a kernel's module once a device. */
function module(gpu: Gpu, kernel: Kernel): Promise<GPUShaderModule> {
  let entry = gpu.modules.get(kernel.source);
  if (!entry) {
    entry = compile(gpu, kernel);
    gpu.modules.set(kernel.source, entry);
  }
  return entry;
}

async function compile(gpu: Gpu, kernel: Kernel): Promise<GPUShaderModule> {
  gpu.device.pushErrorScope("validation");
  const module = gpu.device.createShaderModule({ label: kernel.path, code: kernel.source });
  const scope = gpu.device.popErrorScope();
  const messages = (await module.getCompilationInfo()).messages.filter((m) => m.type === "error");
  const error = await scope;
  if (messages.length === 0 && !error) return module;
  const lines = kernel.source.split("\n");
  const told = messages.map((m) =>
    `${locate(kernel, m.lineNum)}:${m.linePos}: ${m.message}\n    ${
      lines[m.lineNum - 1]?.trim() ?? ""
    }`
  );
  throw new Error(`Cannot compile ${kernel.path}:\n${told.join("\n") || error?.message}`);
}

/**
 * The compute pipeline of a kernel's entry point for some constants, compiled once a device.
 *
 * @throws with file and line when the WGSL is wrong.
 */
export function pipeline(
  gpu: Gpu,
  kernel: Kernel,
  entryPoint: string,
  constants: Constants = {},
): Promise<GPUComputePipeline> {
  const names = Object.keys(constants).sort().map((name) => `${name}=${constants[name]}`);
  const label = `${kernel.path}:${entryPoint}${names.length ? `(${names.join(", ")})` : ""}`;
  let entry = gpu.pipelines.get(label);
  if (!entry) {
    entry = (async () => {
      const compiled = await module(gpu, kernel);
      try {
        return await gpu.device.createComputePipelineAsync({
          label,
          layout: "auto",
          compute: { module: compiled, entryPoint, constants: { ...constants } },
        });
      } catch (error) {
        throw new Error(`Cannot build the pipeline ${label}: ${(error as Error).message}`);
      }
    })();
    gpu.pipelines.set(label, entry);
  }
  return entry;
}

/** Packs a uniform block's values in the order of its WGSL struct; sizes are multiples of 16 bytes. */
export function packUniform(
  kernel: Kernel,
  name: string,
  values: Readonly<Record<string, number | boolean>>,
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
