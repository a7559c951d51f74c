/**
 * SHA-256 of what files and folders hold.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { sha256OfFile } from "../../src/data/download/download.ts";
import { DataError, reason } from "../../src/data/files.ts";

/** What a file or folder holds. */
export interface Content {
  /** Of a file its own; of a folder that of the names and hashes in it. Hexadecimal. */
  sha256: string;
  /** How many files. */
  files: number;
}

/**
 * The hash of a file, or of all files in a folder and their names.
 *
 * @param only Names in the folder: of what it holds these alone.
 * @throws {DataError} If it cannot be read.
 */
export async function contentOf(
  path: string,
  signal?: AbortSignal,
  only?: readonly string[],
): Promise<Content> {
  const names = only ?? await filesUnder(path);
  if (names === undefined) return { sha256: await sha256OfFile(path, { signal }), files: 1 };
  const hash = createHash("sha256");
  for (const name of names) {
    hash.update(`${await sha256OfFile(join(path, name), { signal })}  ${name}\n`); // as sha256sum prints it
  }
  return { sha256: hash.digest("hex"), files: names.length };
}

/** How many files a folder holds; 1 for a file, 0 where nothing is. */
export async function countFiles(path: string): Promise<number> {
  try {
    const names = await filesUnder(path);
    return names === undefined ? 1 : names.length;
  } catch (error) {
    if (error instanceof DataError && error.cause instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Paths of the files in a folder, sorted, hidden ones left out; undefined where `path` is a file. */
async function filesUnder(path: string): Promise<string[] | undefined> {
  const found: string[] = [];
  const collect = async (below: string) => {
    for await (const entry of Deno.readDir(join(path, below))) {
      if (entry.name.startsWith(".")) continue;
      const name = join(below, entry.name);
      if (entry.isDirectory) await collect(name);
      else found.push(name);
    }
  };
  try {
    if (!(await Deno.stat(path)).isDirectory) return undefined;
    await collect("");
  } catch (error) {
    throw new DataError(`Cannot read "${path}": ${reason(error)}`, { cause: error });
  }
  return found.sort();
}
