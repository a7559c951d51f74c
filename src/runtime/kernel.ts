/**
 * Kernels: WGSL files as they stand, their bindings read from the text, their errors shown with file and line.
 *
 * @module
 */
import type { Gpu } from "./device.ts";
import { snippets } from "./snippets.ts";

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

/** One WGSL file: its path for messages, its text, and what the text declares. */
export interface Kernel {
  readonly path: string;
  /** The text, and behind it the snippets that it uses. */
  readonly source: string;
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Names of its `override` constants. */
  readonly overrides: ReadonlySet<string>;
  /** Which text a line of `source` came from. */
  readonly files: readonly { path: string; lines: number }[];
}

/** Numbers for a WGSL file's `override` constants. */
export type Constants = Readonly<Record<string, number>>;

/**
 * Makes a kernel of a WGSL file and the shared snippets that it names by a line `// uses common/ndc.wgsl, common/points.wgsl`
 * (appended once each, theirs too, so that the file's own line numbers hold).
 *
 * Bindings are read from the text: `@group(0) @binding(n) var<uniform> name: Struct` and
 * `var<storage[, read_write]> name: …`; a uniform struct may only have `u32`, `i32` and `f32` fields.
 *
 * @param common what `uses` may name beside the files of `wgsl/common`
 * @throws when it uses a snippet that is not there
 */
export function defineKernel(
  path: string,
  text: string,
  common: ReadonlyMap<string, string> = snippets,
): Kernel {
  const files = [[path, text], ...snippetsOf(path, text, common)] as const;
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
    overrides: new Set([...plain.matchAll(/\boverride\s+(\w+)/g)].map(([, name]) => name)),
    files: files.map(([path, part]) => ({ path, lines: part.split("\n").length })),
  };
}

/** The snippets that a text uses and those that they use, each once. */
function snippetsOf(
  path: string,
  text: string,
  common: ReadonlyMap<string, string>,
): [path: string, text: string][] {
  const found = new Map<string, string>();
  const visit = (user: string, text: string) => {
    for (const [, names] of text.matchAll(/^\/\/ uses (.+)$/gm)) {
      for (const name of names.split(",").map((name) => name.trim())) {
        const snippet = common.get(name);
        if (snippet === undefined) {
          throw new Error(
            `Cannot define ${path}: ${user} uses ${name}, which src/runtime/snippets.ts does not have`,
          );
        }
        if (found.has(name)) continue;
        found.set(name, snippet);
        visit(name, snippet);
      }
    }
  };
  visit(path, text);
  return [...found].map(([name, snippet]) => [`wgsl/${name}`, snippet]);
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
