/**
 * Packages of npm's registry that few starts need: fetched when one does, where an import would fetch them for everybody.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** One version of a package. */
export interface NpmPackage {
  /** `@scope/name`, or `name`. */
  readonly name: string;
  readonly version: string;
  /** SHA-512 of its tarball in base64: npm's `dist.integrity`. */
  readonly sha512: string;
}

/** Where its tarball is. */
export function tarballUrl({ name, version }: NpmPackage): string {
  return `https://registry.npmjs.org/${name}/-/${name.split("/").at(-1)}-${version}.tgz`;
}

/**
 * A package's tarball, known to be the right one.
 *
 * @param what What is wanted of it, for messages, and how to do without.
 * @throws {Error} when it cannot be fetched, or is not the known one.
 */
export async function fetchPackage(
  wanted: NpmPackage,
  what: string,
  elsewhere: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = tarballUrl(wanted);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    bytes = await response.bytes();
  } catch (cause) {
    throw new Error(
      `Cannot fetch ${what} from "${url}": ${
        messageOf(cause)
      }; connect this machine (HTTPS_PROXY is heeded), or ${elsewhere}`,
      { cause },
    );
  }
  await checkPackage(wanted, bytes, elsewhere);
  return bytes;
}

/**
 * Checks that bytes are a package's tarball.
 *
 * @throws {Error} when their SHA-512 is another.
 */
export async function checkPackage(
  wanted: NpmPackage,
  bytes: Uint8Array<ArrayBuffer>,
  elsewhere: string,
): Promise<void> {
  const found = Buffer.from(await crypto.subtle.digest("SHA-512", bytes)).toString("base64");
  if (found !== wanted.sha512) {
    throw new Error(
      `Cannot use "${
        tarballUrl(wanted)
      }": its SHA-512 is "${found}", wanted "${wanted.sha512}"; something between ` +
        `here and npm changed it, or cut it short: start again, or ${elsewhere}`,
    );
  }
}

/** What went wrong, from the bottom: `fetch failed` alone tells nothing. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : messageOf(error.cause);
}
