import { assertEquals } from "@std/assert";
import { dirname, join, normalize, relative } from "@std/path";
import config from "../deno.json" with { type: "json" };

/**
 * The rooms of src/ floor by floor, lowest first. A room imports from itself and from the floors below; rooms of one floor do not
 * know each other. `recipes`, `data` and `pictures` know no GPU.
 */
const FLOORS = [
  ["recipes"],
  ["data"],
  ["pictures"],
  ["runtime"],
  ["ops"],
  ["nets"],
  ["trajectory"],
  ["rendering"],
  ["losses", "viewing"],
  ["training", "evaluation", "preparation"],
];
/** Files are read in `data`; everything else must run in a browser. */
const BROWSER_ROOMS = FLOORS.flat().filter((room) => room !== "data");

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
  return await Promise.all((await filesIn(folder, ".ts")).map(source));
}

async function source(path: string): Promise<Source> {
  const code = (await Deno.readTextFile(path))
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/(^|\s)\/\/.*$/gm, "$1");
  const specifiers = (text: string) => [...text.matchAll(IMPORT)].map((match) => match[1]);
  const loads = specifiers(code.replaceAll(TYPE_IMPORT, ""));
  return { path, code, imports: specifiers(code), loads };
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

/** The files from the root that a file imports by relative paths. */
function targets(file: Source): string[] {
  return file.imports
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => target(file, specifier));
}

/** `src/ops/linear.ts` → `ops` */
function room(path: string): string {
  return path.split("/")[1];
}

const library = await sources("src");
const tasks = await sources("tasks");
const mod = await source("mod.ts");

Deno.test("every folder of src/ is a room on a floor, and every file is in a room", () => {
  const rooms = FLOORS.flat();
  const homeless = library.filter(({ path }) => !rooms.includes(room(path)));
  assertEquals(homeless.map(({ path }) => path), []);
  assertEquals(rooms.filter((name) => !library.some(({ path }) => room(path) === name)), []);
});

Deno.test("a room of src/ imports from the floors below alone", () => {
  const floor = (path: string) => FLOORS.findIndex((rooms) => rooms.includes(room(path)));
  const isBelow = (to: string, path: string) => room(to) === room(path) || floor(to) < floor(path);
  const wrong = library.flatMap((file) =>
    targets(file)
      .filter((to) => !to.startsWith("wgsl/") && !(to.startsWith("src/") && isBelow(to, file.path)))
      .map((to) => `${file.path} imports ${to}`)
  );
  assertEquals(wrong, []);
});

Deno.test("no files import each other in a circle, types included", () => {
  const byPath = new Map([mod, ...library, ...tasks].map((file) => [file.path, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    const file = byPath.get(path);
    if (!file || done.has(path) || way.includes(path)) return;
    for (const to of targets(file)) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of byPath.keys()) visit(path, []);
  assertEquals(circles, []);
});

Deno.test("tasks/ and mod.ts import no tests and no fixtures, and fixtures/ holds no code", async () => {
  const wrong = [mod, ...tasks].flatMap((file) =>
    targets(file)
      .filter((to) => !/^((src|tasks)\/|mod\.ts$|deno\.json$)/.test(to))
      .map((to) => `${file.path} imports ${to}`)
  );
  assertEquals(wrong, []);
  assertEquals(await filesIn("fixtures", ".ts"), []);
});

Deno.test("deno.json exports mod.ts and every mod.ts of src/", () => {
  const entries = library.filter(({ path }) => path.endsWith("/mod.ts")).map(({ path }) => path);
  assertEquals(
    Object.values(config.exports).toSorted(),
    ["mod.ts", ...entries].map((path) => `./${path}`).toSorted(),
  );
});

Deno.test("src/ and mod.ts import by relative paths, node:, and npm: with an exact version only", () => {
  const allowed = /^(\.\.?\/|node:|npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(\/|$))/;
  const wrong = [mod, ...library].flatMap(({ path, imports }) =>
    imports.filter((specifier) => !allowed.test(specifier)).map((to) => `${path} imports ${to}`)
  );
  assertEquals(wrong, []);
});

Deno.test("src/ beside data loads nothing that uses Deno or node:, so that it runs in a browser", () => {
  const byPath = new Map(library.map((file) => [file.path, file]));
  const reached = new Set(library.filter(({ path }) => BROWSER_ROOMS.includes(room(path))));
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
    return !library.some((file) =>
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
