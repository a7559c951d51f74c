import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { formatBytes } from "../byte_size.ts";
import { DataError, reason } from "../files.ts";
import { type FetchOptions, fetchRest, Interruption } from "./fetch_rest.ts";
import { PartFile } from "./part_file.ts";

/** What is known of a file before it is fetched, and how patiently it is. */
export interface DownloadOptions extends FetchOptions {
  /** Its SHA-256 in hexadecimal, where that is known. */
  sha256?: string;
  /** How often in a row a server may fail without a new byte. Default 5. */
  attempts?: number;
  /** Milliseconds before the second attempt; each pause is twice the one before. Default 1000. */
  pauseMs?: number;
}

/** A fetched file. */
export interface Download {
  /** Its size. */
  bytes: number;
  /** Its SHA-256 in hexadecimal. */
  sha256: string;
}

/**
 * Fetches a file over http so that its name never stands for a part of it. What comes lies in `PATH.part` and is gone on with
 * after a cut, a stall or a new start, if the server knows ranges and says that the file is still the same (ETag or date);
 * otherwise it begins anew. Nothing is ever held in memory but a chunk.
 *
 * @param path Where it goes; its folder is made.
 * @throws {DataError} If the server has no such file, sends something else, contradicts itself or the known size or hash, or
 * keeps failing; if the disk is full; if it redirects to a host that this process may not speak with.
 */
export async function download(
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<Download> {
  const { attempts = 5, pauseMs = 1000, sha256: wanted, signal, onNotice } = options;
  const fail = (what: string) => new DataError(`Cannot fetch "${url}": ${what}`);
  using part = await PartFile.open(path, url);
  let furthest = part.bytes, failures = 0;
  while (!part.isWhole) {
    try {
      await fetchRest(url, part, options);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Interruption)) throw error;
      failures = part.bytes > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, part.bytes);
      if (failures >= attempts) {
        throw fail(`${error.message}, and so ${attempts} times; try again later or name a mirror`);
      }
      const pause = pauseMs * 2 ** (failures - 1);
      onNotice?.(
        `${sentence(error.message)} at ${formatBytes(part.bytes)}; trying again in ${
          pause / 1000
        } s.`,
      );
      await sleep(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
  const { bytes } = part;
  if (options.bytes !== undefined && bytes !== options.bytes) {
    await part.restart();
    throw fail(`it has ${bytes} bytes, wanted ${options.bytes}; it is another file`);
  }
  const sha256 = await sha256OfFile(part.path, {
    signal,
    onProgress: (hashed) => options.onProgress?.("hashing", hashed, bytes),
  });
  if (wanted !== undefined && sha256 !== wanted.toLowerCase()) {
    await part.restart();
    throw fail(`its SHA-256 is ${sha256}, wanted ${wanted}; something on the way changed it`);
  }
  await part.finish();
  return { bytes, sha256 };
}

/**
 * SHA-256 of a file in hexadecimal, read in chunks.
 *
 * @throws {DataError} If it cannot be read.
 */
export async function sha256OfFile(
  path: string,
  { signal, onProgress }: {
    signal?: AbortSignal | undefined;
    onProgress?: (bytes: number) => void;
  } = {},
): Promise<string> {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(1 << 20);
  try {
    using file = await Deno.open(path);
    for (let bytes = 0, read; (read = await file.read(chunk)) !== null;) {
      signal?.throwIfAborted();
      hash.update(chunk.subarray(0, read));
      onProgress?.(bytes += read);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new DataError(`Cannot read "${path}": ${reason(error)}`, { cause: error });
  }
  return hash.digest("hex");
}

function sentence(message: string): string {
  return message[0].toUpperCase() + message.slice(1);
}
