import { join } from "node:path";
import { DataError } from "./data_error.ts";

export { DataError } from "./data_error.ts";

/**
 * Reads a whole file.
 *
 * @param remedy What the user can do when the file is missing; ends the error message.
 * @throws {DataError} If the file is missing, is a folder, or may not be read.
 */
export async function readFile(
  path: string,
  remedy: string = checkPath(path),
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataError(`Cannot read "${path}": there is no such file; ${remedy}`);
    }
    throw new DataError(`Cannot read "${path}": ${reason(error)}`, { cause: error });
  }
}

/**
 * Names of the files in a folder, sorted; folders and hidden files are left out.
 *
 * @throws {DataError} If the folder is missing or may not be read.
 */
export async function listFiles(
  directory: string,
  remedy: string = checkPath(directory),
): Promise<string[]> {
  try {
    const names: string[] = [];
    for await (const entry of Deno.readDir(directory)) {
      if (!entry.isDirectory && !entry.name.startsWith(".")) names.push(entry.name);
    }
    return names.sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataError(`Cannot read "${directory}": there is no such folder; ${remedy}`);
    }
    throw new DataError(`Cannot read "${directory}": ${reason(error)}`, { cause: error });
  }
}

/** What to do where nothing is found at a path; tasks run in the project's folder, wherever a person stands. */
export function checkPath(path: string): string {
  const isAbsolute = /^([/\\]|[a-z]:)/i.test(path);
  return isAbsolute ? "check the path" : "check the path, which counts from the project's folder";
}

/** Whether a file or folder of this name exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new DataError(`Cannot look at "${path}": ${reason(error)}`, { cause: error });
  }
}

/**
 * Writes a file so that its name never stands for half of it: beside it under a temporary name
 * (`*.part`), flushed to the disk, then renamed. An older file of that name stays until the new one is whole.
 *
 * @throws {DataError} If the folder cannot be written or the disk is full; the temporary file is removed.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new DataError(`Cannot write "${path}" (${bytes.length} bytes): ${reason(error)}`, {
      cause: error,
    });
  }
}

/**
 * Writes a large file part by part so that its name never stands for half of it: beside it under a temporary name
 * (`*.part`), then renamed. Other than {@linkcode writeFileAtomically} it does not wait for the disk: after a power cut the
 * file may be damaged, which its reader has to notice.
 *
 * @param parts The file's bytes; a part is done with when the next one is asked for. What they throw is thrown on.
 * @throws {DataError} If the folder cannot be written or the disk is full; the temporary file is removed.
 */
export async function writePartsAtomically(
  path: string,
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = temporaryName(path);
  const writing = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw new DataError(`Cannot write "${path}": ${reason(error)}`, { cause: error });
    }
  };
  try {
    using file = await writing(Deno.open(temporary, { write: true, createNew: true }));
    for await (const part of parts) {
      for (let at = 0; at < part.length;) at += await writing(file.write(part.subarray(at)));
    }
    await writing(Deno.rename(temporary, path));
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * Fills a folder so that its name never stands for half of it: `fill` writes into a temporary folder beside
 * it, which is then renamed. An older folder of that name is replaced.
 *
 * @throws {DataError} If `fill` throws it or the folder cannot be put in place; the temporary folder is removed.
 */
export async function writeFolderAtomically(
  directory: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(directory), replaced = temporaryName(directory);
  try {
    await Deno.mkdir(temporary, { recursive: true });
    await fill(temporary);
    if (await exists(directory)) await Deno.rename(directory, replaced);
    await Deno.rename(temporary, directory);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    if (error instanceof DataError) throw error;
    throw new DataError(`Cannot write folder "${directory}": ${reason(error)}`, { cause: error });
  }
  await Deno.remove(replaced, { recursive: true }).catch(() => {});
}

/** What a process that was killed leaves of the writers above. */
const LEFTOVER = /\.[0-9a-f]{8}\.part$/;
/** For so long a file may be under way, of another process. */
const UNDER_WAY_MS = 60_000;

/** Removes from a folder, and from those in it, what writers left that were killed; what is younger than a minute may be under way. */
export async function removeLeftovers(directory: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (LEFTOVER.test(name)) {
      const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
      if (mtime === null || Date.now() - mtime.getTime() < UNDER_WAY_MS) continue;
      await Deno.remove(path, { recursive: true }).catch(() => {}); // another start may have done it
    } else if (isDirectory) await removeLeftovers(path);
  }
}

function temporaryName(path: string): string {
  return `${path.replace(/\/+$/, "")}.${crypto.randomUUID().slice(0, 8)}.part`;
}

/** What the system said, in the user's words, with what to do. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/ENOSPC|No space left|os error 28/i.test(message)) {
    return "the disk is full; free some space or choose another folder";
  }
  if (/EDQUOT|quota/i.test(message)) {
    return "the disk quota is used up; free some space or choose another folder";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied; change the rights of the folder or choose another one";
  }
  if (error instanceof Deno.errors.NotCapable) {
    return /all access to "\/(dev|proc|sys)\b/.test(message)
      ? "Deno opens nothing in /dev, /proc and /sys; copy it to another folder (df -h /tmp)"
      : `this task reads and writes only what its command line names (${message}); name the folder that it lies in`;
  }
  if (/EROFS|Read-only file system/i.test(message)) {
    return "the disk is read-only; choose another folder";
  }
  if (error instanceof Deno.errors.IsADirectory || /Is a directory/i.test(message)) {
    return "it is a folder, wanted a file";
  }
  if (error instanceof Deno.errors.NotADirectory || /Not a directory/i.test(message)) {
    return "it is a file, wanted a folder";
  }
  return message;
}
