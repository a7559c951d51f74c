/**
 * Stands in for `@litertjs/wasm-utils` (see the import map in deno.json), whose `createWasmLib` loads LiteRT by a script tag:
 * here there is no document, so script and WebAssembly are read as files.
 *
 * @module
 */

interface EmscriptenOptions {
  wasmBinary: Uint8Array;
  print(line: string): void;
  printErr(line: string): void;
}

/**
 * Makes LiteRT's library.
 *
 * @param script path of the Emscripten script; its `.wasm` lies beside it
 */
export async function createWasmLib<T>(
  Library: new (module: unknown) => T,
  script: string,
): Promise<T> {
  // The script asks where it runs: it must not take Deno for Node, for which it has no branch left.
  const surroundings = Object.create(globalThis, {
    process: { value: undefined },
    WorkerGlobalScope: { value: Object },
  });
  const worker = { location: { href: "file:///" } };
  const define = new Function(
    "globalThis",
    "self",
    `${await Deno.readTextFile(script)}\nreturn ModuleFactory;`,
  );
  const makeModule: (options: EmscriptenOptions) => Promise<unknown> = define(surroundings, worker);
  return new Library(
    await makeModule({
      wasmBinary: await Deno.readFile(script.replace(/\.js$/, ".wasm")),
      print() {}, // it tells of its delegates
      printErr() {},
    }),
  );
}
