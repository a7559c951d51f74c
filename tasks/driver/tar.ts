/**
 * Reading files out of a tar archive held in memory.
 *
 * @module
 */

const BLOCK = 512;
const REGULAR_FILES = ["0", "\0"];

/**
 * The regular files in a tar archive (POSIX ustar; names of at most 100 bytes), by path, in order.
 *
 * @throws {Error} when the archive ends inside one.
 */
export function* tarFiles(archive: Uint8Array): Generator<[path: string, bytes: Uint8Array]> {
  for (let header = 0; header + BLOCK <= archive.length;) {
    const name = text(archive, header, 100);
    if (name === "") return; // two empty blocks end an archive
    const bytes = parseInt(text(archive, header + 124, 12), 8);
    const type = String.fromCharCode(archive[header + 156]);
    const start = header + BLOCK;
    if (!Number.isInteger(bytes) || start + bytes > archive.length) {
      throw new Error(`Cannot read "${name}" from a tar archive: the archive ends inside it`);
    }
    if (REGULAR_FILES.includes(type)) yield [name, archive.subarray(start, start + bytes)];
    header = start + Math.ceil(bytes / BLOCK) * BLOCK;
  }
}

/**
 * The bytes of the regular file `path` in a tar archive.
 *
 * @throws {Error} when the archive has no such file, or ends inside it.
 */
export function readTarFile(archive: Uint8Array, path: string): Uint8Array {
  for (const [name, bytes] of tarFiles(archive)) if (name === path) return bytes;
  throw new Error(`Cannot read "${path}" from a tar archive: it holds no such file`);
}

/** A header's field: text up to its first zero byte. */
function text(archive: Uint8Array, start: number, length: number): string {
  const field = archive.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end)).trim();
}
