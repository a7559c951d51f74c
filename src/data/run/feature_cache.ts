/**
 * Encoded features kept from one start to the next: a file for each set of them, named by a hash of all that decides them.
 *
 * @module
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { DataError, writePartsAtomically } from "../files.ts";
import { encodeSafetensorsHeader } from "../formats/safetensors.ts";

/** A tensor of 32-bit floating-point numbers that is kept. */
export interface FeatureTensor {
  /** `video.0.11` */
  readonly name: string;
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
}

/** Where encoded features are kept; a browser may have one of its own. */
export interface FeatureCache {
  /**
   * Hands over the tensors kept under a key, one by one in the order asked for.
   *
   * @param tensors All that is kept under the key.
   * @param take Given each tensor's numbers in C order, valid until it ends.
   * @returns Whether all of them are there and whole; otherwise what was taken is worth nothing.
   */
  read(
    key: string,
    tensors: readonly FeatureTensor[],
    take: (values: Float32Array, index: number) => void | Promise<void>,
  ): Promise<boolean>;

  /**
   * Keeps tensors under a key where that is possible: a cache that is full or broken is no error.
   *
   * @param give Asked for the numbers of one tensor after the other; what it throws is thrown on.
   */
  write(
    key: string,
    tensors: readonly FeatureTensor[],
    give: (index: number) => Promise<Float32Array>,
  ): Promise<void>;
}

/** Options of a {@linkcode FeatureFolder}. */
export interface FeatureFolderOptions {
  /** Bytes that its files may take. Default 20·10⁹. */
  limitBytes?: number;
  /** Told, in a line, why features are not kept. */
  onNotice?: (line: string) => void;
}

const FORMAT = "mononerf-features-1";
const ENDING = ".safetensors";
const CHECKSUMS = "checksums"; // CRC-32 of each tensor's bytes: the last tensor, so that a file is written in one go
const ABANDONED_MS = 3_600_000; // a file that nobody has written to for so long is left over from a process that was killed

/**
 * Features in a folder: one safetensors file a key, read and written tensor by tensor, never whole in memory.
 *
 * A file that is cut short, damaged, or of other shapes is removed and counts as absent. Where a new file would not fit,
 * those read longest ago go first, never one that this process has read or written. Processes can share the folder: files
 * are put in place whole, and one that is removed while it is read stays readable to its end.
 */
export class FeatureFolder implements FeatureCache {
  readonly #limitBytes: number;
  readonly #onNotice: (line: string) => void;
  readonly #inUse = new Set<string>();

  /** Names a folder, which is made when the first features are kept. */
  constructor(
    /** The folder's path. */
    readonly directory: string,
    { limitBytes = 20e9, onNotice = () => {} }: FeatureFolderOptions = {},
  ) {
    this.#limitBytes = limitBytes;
    this.#onNotice = onNotice;
  }

  /** See {@linkcode FeatureCache.read}; a file that is there and cannot be used is removed. */
  async read(
    key: string,
    tensors: readonly FeatureTensor[],
    take: (values: Float32Array, index: number) => void | Promise<void>,
  ): Promise<boolean> {
    const path = this.#path(key);
    using file = await Deno.open(path).catch(() => undefined);
    if (!file) return false;
    if (!await readTensors(file, layoutOf(key, tensors), take)) {
      await remove(path);
      return false;
    }
    this.#inUse.add(path);
    const now = new Date();
    await Deno.utime(path, now, now).catch(() => {}); // read last: the last to go
    return true;
  }

  /** See {@linkcode FeatureCache.write}; a full disk or an unwritable folder is told as a notice. */
  async write(
    key: string,
    tensors: readonly FeatureTensor[],
    give: (index: number) => Promise<Float32Array>,
  ): Promise<void> {
    const path = this.#path(key);
    const layout = layoutOf(key, tensors);
    try {
      await makeFolder(this.directory);
      await this.#makeRoom(layout.fileBytes);
      await writePartsAtomically(path, partsOf(layout, give));
      this.#inUse.add(path);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.#onNotice(`${error.message}. Without it, the next start encodes these features again.`);
    }
  }

  #path(key: string): string {
    return join(this.directory, key + ENDING);
  }

  /** Removes what was abandoned, and what was used longest ago until so many bytes fit. */
  async #makeRoom(bytes: number): Promise<void> {
    const files: { path: string; size: number; time: number }[] = [];
    for await (const { name } of Deno.readDir(this.directory)) {
      const path = join(this.directory, name);
      const info = await Deno.stat(path).catch(() => undefined); // another process may have removed it
      if (!info?.isFile) continue;
      const time = info.mtime?.getTime() ?? 0;
      if (name.endsWith(".part") && Date.now() - time > ABANDONED_MS) await remove(path);
      else files.push({ path, size: info.size, time });
    }
    const removable = files
      .filter(({ path }) => path.endsWith(ENDING) && !this.#inUse.has(path))
      .sort((a, b) => a.time - b.time);
    const sum = (files: { size: number }[]) => files.reduce((sum, { size }) => sum + size, 0);
    let total = bytes + sum(files);
    const least = total - sum(removable);
    if (least > this.#limitBytes) {
      throw new DataError(
        `Cannot keep ${
          gigabytes(bytes)
        } of features in "${this.directory}": with what is in use there it would be ` +
          `${gigabytes(least)}, and the limit is ${gigabytes(this.#limitBytes)}`,
      );
    }
    for (const { path, size } of removable) {
      if (total <= this.#limitBytes) break;
      await remove(path);
      total -= size;
    }
  }
}

/** How an entry's file is laid out: its header tells everything, so a file is right whose header is. */
interface Layout {
  readonly header: Uint8Array;
  /** Numbers of each tensor. */
  readonly sizes: readonly number[];
  readonly fileBytes: number;
}

function layoutOf(key: string, tensors: readonly FeatureTensor[]): Layout {
  const sizes = tensors.map(({ shape }) => shape.reduce((size, length) => size * length, 1));
  const places = new Map<string, { dtype: "F32" | "U32"; shape: number[] }>();
  for (const { name, shape } of tensors) places.set(name, { dtype: "F32", shape: [...shape] });
  places.set(CHECKSUMS, { dtype: "U32", shape: [tensors.length] });
  const header = encodeSafetensorsHeader(places, { format: FORMAT, key });
  const numbers = sizes.reduce((sum, size) => sum + size, tensors.length);
  return { header, sizes, fileBytes: header.length + 4 * numbers };
}

async function* partsOf(
  { header, sizes }: Layout,
  give: (index: number) => Promise<Float32Array>,
): AsyncGenerator<Uint8Array> {
  yield header;
  const checksums = new Uint32Array(sizes.length);
  for (const [i, size] of sizes.entries()) {
    const values = await give(i);
    if (values.length !== size) {
      throw new RangeError(`Cannot keep tensor ${i}: it has ${values.length} numbers, not ${size}`);
    }
    checksums[i] = crc32(bytesOf(values));
    yield bytesOf(values);
  }
  yield bytesOf(checksums);
}

/** Hands over the tensors of a file; false where it has another length, header or checksum. */
async function readTensors(
  file: Deno.FsFile,
  { header, sizes, fileBytes }: Layout,
  take: (values: Float32Array, index: number) => void | Promise<void>,
): Promise<boolean> {
  if ((await file.stat()).size !== fileBytes) return false;
  const found = new Uint8Array(header.length);
  if (!await fill(file, found) || found.some((byte, i) => byte !== header[i])) return false;
  const checksums = new Uint32Array(sizes.length);
  await file.seek(-checksums.byteLength, Deno.SeekMode.End);
  if (!await fill(file, bytesOf(checksums))) return false;
  await file.seek(header.length, Deno.SeekMode.Start);
  const most = Math.max(0, ...sizes);
  const memories = [new Float32Array(most), new Float32Array(most)]; // one is filled while the other is taken
  const load = async (i: number) => {
    const values = memories[i % 2].subarray(0, sizes[i]);
    return await fill(file, bytesOf(values)) ? values : undefined;
  };
  let next = load(0);
  for (const i of sizes.keys()) {
    const values = await next;
    if (!values || crc32(bytesOf(values)) !== checksums[i]) return false;
    if (i + 1 < sizes.length) next = load(i + 1);
    await take(values, i);
  }
  return true;
}

/** Reads as many bytes as there is room for; false where the file ends before, or the disk fails. */
async function fill(file: Deno.FsFile, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const read = await file.read(bytes.subarray(at)).catch(() => null);
    if (read === null) return false;
    at += read;
  }
  return true;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Removes a file, unless another process was faster. */
async function remove(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
}

async function makeFolder(directory: string): Promise<void> {
  try {
    await Deno.mkdir(directory, { recursive: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError(`Cannot make the folder "${directory}": ${message}`, { cause: error });
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`;
}
