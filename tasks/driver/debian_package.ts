/**
 * Packages of Debian's archive, fetched from the first mirror that has them: Debian's pool, which keeps a version while it is
 * current, then Debian's snapshots, which keep every one.
 *
 * @module
 */
import { messageOf } from "./npm_package.ts";
import { sha256Hex } from "./pinned_files.ts";

/** One version of a package. */
export interface DebianPackage {
  /** Where it is on a mirror: `pool/main/m/mesa/…_amd64.deb`. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** A mirror that is silent for so long is given up. */
const SILENCE_MS = 30_000;

/** How many packages are fetched at once. */
const AT_ONCE = 4;

/**
 * Fetches packages and hands each on as it comes, from one mirror after another: one goes on where the last one failed.
 *
 * @param keep Told of each package, known to be the right one. What it throws is thrown on.
 * @param announce Told in one line of each mirror that failed, and of what is tried next.
 * @throws {Error} when no mirror has them all; what each answered has been announced, but the last one's, which is thrown.
 */
export async function fetchDebianPackages<T extends DebianPackage>(
  packages: readonly T[],
  mirrors: readonly string[],
  keep: (fetched: T, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  announce: (line: string) => void,
  silenceMs = SILENCE_MS,
): Promise<void> {
  const missing = new Set(packages);
  for (const [i, mirror] of mirrors.entries()) {
    const failure = await fetchFrom(mirror, missing, keep, silenceMs);
    if (failure === undefined) return;
    const next = mirrors[i + 1];
    if (next === undefined) throw new Error(failure);
    announce(`${failure}; trying "${next}".`);
  }
}

/** Fetches what is missing from one mirror; why that ended early, if it did. */
async function fetchFrom<T extends DebianPackage>(
  mirror: string,
  missing: Set<T>,
  keep: (fetched: T, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  silenceMs: number,
): Promise<string | undefined> {
  const queue = [...missing];
  const stop = new AbortController();
  let failure: unknown;
  const lane = async () => {
    try {
      for (let next; !stop.signal.aborted && (next = queue.shift());) {
        await keep(next, await fetchPinned(mirror, next, stop.signal, silenceMs));
        missing.delete(next);
      }
    } catch (error) {
      failure ??= error; // the others' are that they were stopped
      stop.abort();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (failure === undefined) return;
  if (failure instanceof MirrorError) return failure.message;
  throw failure;
}

/** A mirror has not the package, or another one, or cannot be reached. */
class MirrorError extends Error {}

/** The bytes of a package on a mirror. */
async function fetchPinned(
  mirror: string,
  { path, bytes, sha256 }: DebianPackage,
  stop: AbortSignal,
  silenceMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = `${mirror}/${path}`;
  const found = await fetchBytes(url, bytes, stop, silenceMs).catch((cause) => {
    throw new MirrorError(`Cannot fetch "${url}": ${messageOf(cause)}`);
  });
  const hash = sha256Hex(found);
  if (hash !== sha256) {
    throw new MirrorError(
      `Cannot use "${url}": it has ${found.length} bytes of SHA-256 "${hash}", wanted ${bytes} of "${sha256}"`,
    );
  }
  return found;
}

/** An answer's bytes, at most `limit`, unless the server falls silent. */
async function fetchBytes(
  url: string,
  limit: number,
  stop: AbortSignal,
  silenceMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error(`no byte came in ${silenceMs / 1000} s`));
  const wait = () => setTimeout(giveUp, silenceMs);
  let timer = wait();
  try {
    const response = await fetch(url, { signal: AbortSignal.any([stop, silence.signal]) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the server answers ${response.status}`);
    }
    const bytes = new Uint8Array(limit);
    let at = 0;
    for await (const part of response.body ?? []) {
      clearTimeout(timer);
      timer = wait();
      if (at + part.length > limit) throw new Error(`it has more than ${limit} bytes`);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes.subarray(0, at);
  } finally {
    clearTimeout(timer);
  }
}
