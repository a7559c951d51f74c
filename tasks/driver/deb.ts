/**
 * Reading files out of a Debian package held in memory, without dpkg or root: an `ar` archive, and in it `data.tar.xz`
 * (deb(5)).
 *
 * @module
 */
import { tarFiles } from "./tar.ts";

const MAGIC = "!<arch>\n";
const HEADER = 60;

/**
 * The regular files of a package, by path (`./usr/lib/…`), in order. Folders and links are left out.
 *
 * @throws {Error} when this is no such package, or it is cut short.
 */
export async function* debFiles(
  deb: Uint8Array<ArrayBuffer>,
): AsyncGenerator<[path: string, bytes: Uint8Array]> {
  yield* tarFiles(await decompressXz(readMember(deb, "data.tar.xz")));
}

/** Decompresses an xz stream. */
export async function decompressXz(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  // Few starts need it: it is loaded when one does.
  const { default: xz } = await import("npm:xz-decompress@0.2.3");
  return await new Response(new xz.XzReadableStream(new Blob([packed]).stream())).bytes();
}

/** The bytes of a member of an `ar` archive. */
function readMember(archive: Uint8Array<ArrayBuffer>, wanted: string): Uint8Array<ArrayBuffer> {
  const text = (start: number, length: number) =>
    new TextDecoder().decode(archive.subarray(start, start + length));
  if (text(0, MAGIC.length) !== MAGIC) {
    throw new Error("Cannot read a Debian package: it is no ar archive");
  }
  for (let header = MAGIC.length; header + HEADER <= archive.length;) {
    const name = text(header, 16).trim().replace(/\/$/, "");
    const bytes = Number(text(header + 48, 10));
    const start = header + HEADER;
    if (!Number.isInteger(bytes) || bytes < 0 || start + bytes > archive.length) {
      throw new Error(`Cannot read a Debian package: it ends inside "${name}"`);
    }
    if (name === wanted) return archive.subarray(start, start + bytes);
    header = start + bytes + bytes % 2; // members start at even places
  }
  throw new Error(`Cannot read a Debian package: it holds no "${wanted}"`);
}
