import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { crc32 } from "node:zlib";
// @ts-types="npm:@types/yauzl@3.4.0"
import yauzl, { type Entry, type ZipFile } from "npm:yauzl@3.4.0";
import { ArchiveReader } from "./archive_reader.ts";
import { formatBytes } from "../byte_size.ts";
import { DataError, reason, writeFolderAtomically, writePartsAtomically } from "../files.ts";

/** An archive that is damaged, or that must not be unpacked. */
export class ArchiveError extends DataError {
  /** Always `"ArchiveError"`. */
  override name = "ArchiveError";
}

/** How much an archive may unpack to. */
export interface ArchiveLimits {
  /** Entries. Default 50000. */
  entries?: number;
  /** Bytes of all entries together. Default 100 GB. */
  bytes?: number;
}

/** A scene in an archive. */
export interface ArchivedScene {
  /** The name of its folder. */
  name: string;
  /** Files in it. */
  files: number;
  /** Their size when unpacked. */
  bytes: number;
}

/**
 * A zip archive of scenes on disk: every folder in it that has a `poses_bounds.npy`, wherever it lies.
 *
 * The archive is not trusted. All of it is refused if an entry would land outside its folder, is a link, or has another's
 * name; if entries share bytes of the archive; or if sizes are beyond the limits. Nothing is held in memory but the
 * directory and a chunk.
 */
export class SceneArchive implements Disposable {
  readonly #path: string;
  readonly #zip: ZipFile;
  readonly #files: ReadonlyMap<string, ReadonlyMap<string, Entry>>;

  private constructor(path: string, zip: ZipFile, files: ReadonlyMap<string, Map<string, Entry>>) {
    this.#path = path;
    this.#zip = zip;
    this.#files = files;
  }

  /**
   * Opens an archive and judges its directory.
   *
   * @throws {ArchiveError} If it is no zip archive, cut short, hostile, or has no scene.
   * @throws {DataError} If it is not there.
   */
  static async open(path: string, limits: ArchiveLimits = {}): Promise<SceneArchive> {
    const reader = openReader(path);
    try {
      const options = { autoClose: false, strictFileNames: true };
      const zip = await yauzl.fromRandomAccessReaderPromise(reader, reader.bytes, options);
      const entries = await readDirectory(zip, limits);
      requireModest(entries, zip.fileSize, limits);
      const files = filesByScene(entries);
      if (files.size === 0) throw new Error("it has no folder with a poses_bounds.npy");
      return new SceneArchive(path, zip, files);
    } catch (error) {
      reader.close();
      throw unusable(path, error);
    }
  }

  /** What it has, by name. */
  get scenes(): ArchivedScene[] {
    return [...this.#files].map(([name, files]) => ({
      name,
      files: files.size,
      bytes: sum([...files.values()].map((entry) => entry.uncompressedSize)),
    })).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /**
   * Unpacks a scene into a folder, whole or not at all; an older folder of that name is replaced.
   *
   * @param onProgress Hears how many bytes have been unpacked.
   * @throws {ArchiveError} If an entry is damaged or is not what the directory says.
   * @throws {DataError} If the disk is full.
   */
  async unpack(
    scene: string,
    directory: string,
    { signal, onProgress }: {
      signal?: AbortSignal | undefined;
      onProgress?: (bytes: number) => void;
    } = {},
  ): Promise<void> {
    const files = this.#files.get(scene);
    if (!files) {
      throw new ArchiveError(`Cannot unpack "${scene}": "${this.#path}" has no such scene`);
    }
    let bytes = 0;
    try {
      await writeFolderAtomically(directory, async (folder) => {
        for (const [name, entry] of files) {
          const path = join(folder, name);
          await Deno.mkdir(dirname(path), { recursive: true });
          await writePartsAtomically(
            path,
            this.#extract(entry, (count) => {
              signal?.throwIfAborted();
              onProgress?.(bytes += count);
            }),
          );
        }
      });
    } catch (error) {
      signal?.throwIfAborted(); // and no "cannot write"
      throw error;
    }
  }

  /** Closes the archive. */
  [Symbol.dispose](): void {
    this.#zip.close();
  }

  /** The bytes of an entry, neither more nor fewer than the directory says, with the checksum that it says. */
  async *#extract(entry: Entry, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
    let checksum = 0;
    let stream: Readable | undefined;
    try {
      stream = await this.#zip.openReadStreamPromise(entry);
      for await (const chunk of stream) {
        checksum = crc32(chunk, checksum);
        onBytes(chunk.length);
        yield chunk;
      }
      if (checksum !== entry.crc32) throw new Error("its checksum does not match");
    } catch (error) {
      throw unusable(`${this.#path}[${entry.fileName}]`, error);
    } finally {
      stream?.destroy();
    }
  }
}

/** Bytes of names, extra fields and comments that are kept in memory. */
const MOST_DIRECTORY = 64e6;

/** All entries that are files, each checked by itself. */
async function readDirectory(
  zip: ZipFile,
  { entries: most = 50_000 }: ArchiveLimits,
): Promise<Entry[]> {
  if (zip.entryCount > most) {
    throw new Error(`it has ${zip.entryCount} entries, wanted ${most} at most`);
  }
  const entries: Entry[] = [], kinds = new Map<string, boolean>();
  let directoryBytes = 0;
  for await (const entry of zip.eachEntry()) {
    const wrong = whatIsWrong(entry);
    if (wrong) throw new Error(`its entry ${JSON.stringify(entry.fileName)} ${wrong}`);
    directoryBytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (directoryBytes > MOST_DIRECTORY) throw new Error("its directory is too large to be true");
    const isFolder = entry.fileName.endsWith("/");
    // Some disks know neither case nor the two ways to write an accent.
    const name = entry.fileName.replace(/\/$/, "").normalize("NFC").toLowerCase();
    if (kinds.has(name) && !(isFolder && kinds.get(name))) {
      throw new Error(`it has "${entry.fileName}" twice`);
    }
    kinds.set(name, isFolder);
    if (!isFolder) entries.push(entry);
  }
  return entries;
}

/** File types in the upper half of the attributes, as Unix has them; 0 where the archive was made elsewhere. */
const FILE_TYPE = 0o170000, NO_TYPE = 0, REGULAR = 0o100000, FOLDER = 0o040000;

/** The most that deflate can do: 258 bytes from 2 bits. */
const MOST_INFLATION = 1032;
/** What large files of pictures and numbers never do. */
const BOMB = { bytes: 16e6, inflation: 200 };

/** Why an entry is refused; undefined where it is not. Names with `..`, a root, a drive or `\` are refused by yauzl. */
function whatIsWrong(entry: Entry): string | undefined {
  const { fileName, externalFileAttributes, compressedSize, uncompressedSize } = entry;
  const parts = fileName.replace(/\/$/, "").split("/");
  // deno-lint-ignore no-control-regex
  if (parts.some((part) => part === "" || part === "." || /[\x00-\x1f:]/.test(part))) {
    return "has a name that is no plain path";
  }
  if (parts.some((part) => part.length > 255) || parts.length > 32) return "has a name too long";
  const type = externalFileAttributes >>> 16 & FILE_TYPE;
  if (type !== NO_TYPE && type !== REGULAR && type !== FOLDER) return "is a link or a device";
  if (!entry.canDecodeFileData()) return "is encrypted, or packed in a way other than deflate";
  const inflation = uncompressedSize / Math.max(1, compressedSize);
  if (inflation > MOST_INFLATION || (uncompressedSize > BOMB.bytes && inflation > BOMB.inflation)) {
    return `claims ${formatBytes(uncompressedSize)} from ${
      formatBytes(compressedSize)
    }, which is a bomb or a lie`;
  }
}

/** Refuses entries that are more together than each by itself shows. */
function requireModest(
  entries: readonly Entry[],
  archiveBytes: number,
  { bytes: most = 100e9 }: ArchiveLimits,
): void {
  const bytes = sum(entries.map((entry) => entry.uncompressedSize));
  if (bytes > most) {
    throw new Error(`it unpacks to ${formatBytes(bytes)}, wanted ${formatBytes(most)} at most`);
  }
  // Bombs let many entries unpack the same bytes.
  const inOrder = entries.toSorted((a, b) =>
    a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader
  );
  for (const [i, entry] of inOrder.entries()) {
    const end = entry.relativeOffsetOfLocalHeader + 30 + entry.fileNameLength +
      entry.compressedSize;
    if (end > (inOrder[i + 1]?.relativeOffsetOfLocalHeader ?? archiveBytes)) {
      throw new Error(`its entry "${entry.fileName}" overlaps with what follows`);
    }
  }
}

/** The files of each scene, by scene and then by path in it; hidden ones, which no scene needs, are left out. */
function filesByScene(entries: readonly Entry[]): Map<string, Map<string, Entry>> {
  const scenes = new Map<string, Map<string, Entry>>();
  for (const { fileName } of entries) {
    const [, root, name] = /^((?:.*\/)?([^/]+)\/)poses_bounds\.npy$/.exec(fileName) ?? [];
    if (root === undefined || name.startsWith(".")) continue;
    if (scenes.has(name)) throw new Error(`it has two scenes "${name}"`);
    const inside = entries.filter((entry) => entry.fileName.startsWith(root));
    scenes.set(
      name,
      new Map(
        inside.map((entry) => [entry.fileName.slice(root.length), entry] as const)
          .filter(([path]) => !path.split("/").some((part) => part.startsWith("."))),
      ),
    );
  }
  return scenes;
}

function openReader(path: string): ArchiveReader {
  try {
    return new ArchiveReader(path);
  } catch (error) {
    throw new DataError(`Cannot read "${path}": ${reason(error)}; check the path`, {
      cause: error,
    });
  }
}

function unusable(name: string, error: unknown): DataError {
  if (error instanceof DataError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isShort = /end of central directory/i.test(message);
  const hasBackslash = /invalid characters in fileName: .*\\/.test(message);
  const what = isShort ? "it is no zip archive or is cut short" : message;
  const remedy = hasBackslash
    ? "its names have backslashes, as PowerShell's Compress-Archive writes them: pack it with another program (tar -a -cf " +
      "scenes.zip FOLDERS, or the Explorer)"
    : "fetch it again";
  return new ArchiveError(
    `Cannot unpack "${name}": ${what}; ${remedy}`,
    { cause: error },
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
