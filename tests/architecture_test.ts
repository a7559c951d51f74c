import { assertEquals } from "@std/assert";
import { dirname, join, normalize, relative } from "@std/path";

/** The rooms of src/, lowest first; a room imports from those before it. `data` and `recipes` are plain values. */
const LAYERS = [
  ["data", "recipes"],
  ["runtime"],
  ["ops"],
  ["nets", "rendering", "losses"],
  ["training", "evaluation", "preparation"],
];
/** Files are read in `data`; everything else must run in a browser. */
const BROWSER_ROOMS = LAYERS.flat().filter((room) => room !== "data");

/** A source file: its path from the root, its code without comments, and what it imports. */
interface Source {
  path: string;
  code: string;
  imports: string[];
  /** The imports that are there when it runs: not those of types alone. */
  loads: string[];
}

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`. */
const IMPORT =
  /(?:^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*|^\s*import\s*|\bimport\s*\(\s*)"([^"]+)"/gm;
const TYPE_IMPORT =
  /^\s*(?:import|export)\s+(?:type\s[^"]*?|\{\s*(?:type\s[^,}]+,?\s*)+\}\s*)from\s*"[^"]+"/gm;

async function sources(folder: string): Promise<Source[]> {
  const found: Source[] = [];
  for (const path of await filesIn(folder, ".ts")) {
    const code = (await Deno.readTextFile(path))
      .replaceAll(/\/\*[\s\S]*?\*\//g, "")
      .replaceAll(/(^|\s)\/\/.*$/gm, "$1");
    const specifiers = (text: string) => [...text.matchAll(IMPORT)].map((match) => match[1]);
    const loads = specifiers(code.replaceAll(TYPE_IMPORT, ""));
    found.push({ path, code, imports: specifiers(code), loads });
  }
  return found;
}

async function filesIn(folder: string, ending: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) found.push(...await filesIn(path, ending));
    else if (path.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

/** The path from the root that a relative import means. */
function target({ path }: Source, specifier: string): string {
  return normalize(join(dirname(path), specifier));
}

/** `src/ops/linear.ts` → `ops` */
function room(path: string): string {
  return path.split("/")[1];
}

const source = await sources("src");

Deno.test("every folder of src/ is a room that this test knows", () => {
  const rooms = LAYERS.flat();
  assertEquals(source.map(({ path }) => room(path)).filter((name) => !rooms.includes(name)), []);
});

Deno.test("src/ imports one way: runtime, ops, nets and rendering and losses, training and evaluation and preparation", () => {
  const arrows = source.flatMap((file) =>
    file.imports
      .filter((specifier) => specifier.startsWith(".") && !specifier.endsWith(".wgsl"))
      .map((specifier) => ({ from: file.path, to: target(file, specifier) }))
      .filter(({ from, to }) => room(from) !== room(to))
  );
  const layer = (path: string) => LAYERS.findIndex((rooms) => rooms.includes(room(path)));
  const back = (from: string, to: string) =>
    arrows.some((other) => room(other.from) === room(to) && room(other.to) === room(from));
  const wrong = arrows.filter(({ from, to }) => {
    return layer(to) > layer(from) || (layer(to) === layer(from) && back(from, to)); // rooms of a layer: one way too
  });
  assertEquals(wrong.map(({ from, to }) => `${from} imports ${to}`), []);
});

Deno.test("src/ and mod.ts import by relative paths, node:, and npm: with an exact version only", async () => {
  const allowed = /^(\.\.?\/|node:|npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(\/|$))/;
  const roots = (await sources(".")).filter(({ path }) => path === "mod.ts");
  const wrong = [...roots, ...source].flatMap(({ path, imports }) =>
    imports.filter((specifier) => !allowed.test(specifier)).map((to) => `${path} imports ${to}`)
  );
  assertEquals(wrong, []);
});

Deno.test("src/ beside data loads nothing that uses Deno or node:, so that it runs in a browser", () => {
  const byPath = new Map(source.map((file) => [file.path, file]));
  const reached = new Set(source.filter(({ path }) => BROWSER_ROOMS.includes(room(path))));
  for (const file of reached) { // a set visits what is added on the way
    for (const specifier of file.loads) {
      const next = byPath.get(target(file, specifier));
      if (next) reached.add(next);
    }
  }
  const wrong = [...reached].filter(({ code, loads }) =>
    /\bDeno\s*[.?[]/.test(code) || loads.some((specifier) => specifier.startsWith("node:"))
  );
  assertEquals(wrong.map(({ path }) => path), []);
});

Deno.test("every WGSL file has its source at the same relative path, or is one of that source's parts", async () => {
  const wrong = (await filesIn("wgsl", ".wgsl")).filter((path) => {
    if (path.startsWith("wgsl/common/")) return false;
    return !source.some((file) =>
      isPartOf(relative("wgsl", path).replace(/\.wgsl$/, ""), file.path) &&
      file.imports.some((specifier) => target(file, specifier) === path)
    );
  });
  assertEquals(wrong, []);
});

/** Whether the WGSL file `ops/linear` or `ops/linear_weights` belongs beside `src/ops/linear.ts`. */
function isPartOf(wgsl: string, path: string): boolean {
  const own = relative("src", path).replace(/\.ts$/, "");
  return wgsl === own || wgsl.startsWith(`${own}_`);
}
