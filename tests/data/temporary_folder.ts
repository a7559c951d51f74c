import { fromFileUrl, join } from "@std/path";

/** A new folder under `tests/output` that is removed when the test's `await using` ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const output = fromFileUrl(new URL("../output", import.meta.url));
  await Deno.mkdir(output, { recursive: true });
  const path = await Deno.makeTempDir({ dir: output });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Path of a file in `fixtures`. */
export function fixture(path: string): string {
  return fromFileUrl(new URL(`../../fixtures/${path}`, import.meta.url));
}

/** Names in a folder. */
export async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name)).sort();
}

/** Copies a folder with all that is in it. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyFolder(source, target);
    else await Deno.writeFile(target, await Deno.readFile(source));
  }
}
