import { assert, assertEquals } from "@std/assert";
import { dirname, join, normalize, toFileUrl } from "@std/path";

const root = Deno.cwd();

/** Every README.md that is part of the project. */
async function readmes(folder = "."): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    const isOther = /^(\.git|runs|data|checkpoints|node_modules)$/.test(path) ||
      path === join("tests", "output");
    if (entry.isDirectory && !isOther) found.push(...await readmes(path));
    else if (entry.name === "README.md") found.push(path);
  }
  return found.sort();
}

/** The text without its code blocks, in which `[x](y)` is no link. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(
    /`[^`\n]*`/g,
    (code) => `\`${code.length}\``,
  );
}

/** The anchors that GitHub gives the headings of a text, and those that it names itself. */
function anchors(text: string): Set<string> {
  const counts = new Map<string, number>();
  const headings = text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6} +(.+)$/gm);
  const slugs = [...headings].map(([, heading]) => {
    const slug = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    return count > 0 ? `${slug}-${count}` : slug;
  });
  return new Set([...slugs, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id)]);
}

/** What is wrong with a link to a path from the root, with or without `#anchor`; undefined where nothing is. */
async function fault(path: string, anchor?: string): Promise<string | undefined> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info) return `${path} does not exist`;
  if (!anchor) return;
  const text = await Deno.readTextFile(path);
  if (!anchors(text).has(anchor)) return `${path} has no heading #${anchor}`;
}

const pages = await readmes();

Deno.test("every relative link in a README.md leads to a file, and its anchor to a heading", async () => {
  const wrong: string[] = [];
  let links = 0;
  for (const page of pages) {
    // names in code are kept as numbers, but the target of a link is none
    for (const [, to] of prose(await Deno.readTextFile(page)).matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(to)) continue;
      links++;
      const [path, anchor] = to.split("#");
      const problem = await fault(path ? normalize(join(dirname(page), path)) : page, anchor);
      if (problem) wrong.push(`${page}: ${problem}`);
    }
  }
  assertEquals(wrong, []);
  assert(links > 100, `only ${links} links were found`);
});

Deno.test("every README.md that code and comments point to exists, with the heading", async () => {
  const wrong: string[] = [];
  for (const folder of ["src", "wgsl", "tasks", "tests"]) {
    for (const file of await codeFiles(folder)) {
      const text = await Deno.readTextFile(file);
      for (
        const [, path, anchor] of text.matchAll(
          /\b((?:src|wgsl|tasks|fixtures)\/[\w/]*README\.md)(?:#([\w-]+))?/g,
        )
      ) {
        const problem = await fault(path, anchor);
        if (problem) wrong.push(`${file}: ${problem}`);
      }
    }
  }
  assertEquals(wrong, []);
});

async function codeFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      if (path !== join("tests", "output")) found.push(...await codeFiles(path));
    } else if (/\.(ts|wgsl)$/.test(entry.name)) found.push(path);
  }
  return found;
}

Deno.test("every room and command has a README.md", async () => {
  const rooms = ["src", "wgsl", "tasks"];
  for (const folder of ["src", "src/data"]) {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory) rooms.push(`${folder}/${entry.name}`);
    }
  }
  assertEquals(rooms.filter((room) => !pages.includes(join(room, "README.md"))), []);
});

Deno.test("wgsl/README.md names every file of wgsl/common", async () => {
  const page = await Deno.readTextFile("wgsl/README.md");
  const names = (await Array.fromAsync(Deno.readDir("wgsl/common"))).map(({ name }) =>
    name.replace(".wgsl", "")
  );
  assertEquals(names.filter((name) => !page.includes(`\`${name}\``)), []);
});

Deno.test("README.md has at most 250 lines", async () => {
  const lines = (await Deno.readTextFile("README.md")).trimEnd().split("\n").length;
  assert(lines <= 250, `README.md has ${lines} lines`);
});

Deno.test("no comment cites a page that is not in the project", async () => {
  const cited: string[] = [];
  const citation = /\b(spec|preparation)[\s*/]+section\b/i;
  for (const folder of ["src", "wgsl", "tasks", "tests"]) {
    for (const file of await codeFiles(folder)) {
      if (citation.test(await Deno.readTextFile(file))) cited.push(file);
    }
  }
  assertEquals(cited, []);
});

/** The code blocks of a language on a page. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, code]) => code,
  );
}

const page = await Deno.readTextFile("src/README.md");
const [kernel] = blocks(page, "wgsl");
const [operation, check] = blocks(page, "ts");

Deno.test("the operation of src/README.md takes at most 25 lines", () => {
  const lines = operation.trimEnd().split("\n").length;
  assert(lines <= 25, `it has ${lines} lines`);
});

/** Writes the page's three files where they belong in a copy of the folders, whose other imports are the project's own. */
async function writeExample(): Promise<string> {
  const copy = join(root, "tests", "output", "readme");
  const write = async (path: string, text: string) => {
    const file = join(copy, path);
    await Deno.mkdir(dirname(file), { recursive: true });
    const own = ["wgsl/ops/square.wgsl", "src/ops/square.ts"];
    const code = text.replaceAll(
      /from "(\.[^"]+)"|(?<=import text from )"(\.[^"]+)"/g,
      (all, a, b) => {
        const to = normalize(join(dirname(path), a ?? b));
        return own.includes(to) ? all : `from "${toFileUrl(join(root, to))}"`;
      },
    );
    await Deno.writeTextFile(file, code);
    return file;
  };
  await write("wgsl/ops/square.wgsl", kernel);
  await write("src/ops/square.ts", operation);
  return await write("tests/ops/square_test.ts", check);
}

// registers the tests of the page's third file
await import(toFileUrl(await writeExample()).href);
