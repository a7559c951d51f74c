/**
 * SwiftShader, a Vulkan driver in software, for machines that have no other: taken from an npm package, kept in a cache
 * folder.
 *
 * wgpu opens `libvulkan.so.1`, which is the Vulkan loader where one is installed. SwiftShader's own library answers to the
 * loader's entry point too (`vkGetInstanceProcAddr`), so under that name it needs neither loader nor ICD file: its folder in
 * `LD_LIBRARY_PATH` is all, and it wins over a loader that finds no driver.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isAbsolute, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { exists, writeFileAtomically } from "../../src/data/files.ts";
import { readTarFile } from "./tar.ts";

/** Version of the package. */
export const VERSION = "149.0.0";
const TARBALL = `https://registry.npmjs.org/@sparticuz/chromium/-/chromium-${VERSION}.tgz`;
/** SHA-512 of the tarball in base64: npm's `dist.integrity`. */
const SHA512 =
  "2NECBVKlUA9xIUXb4fT8OoGKdAJs+I2tNYscO8FwcxCKCWA7FmpPI0fdVxGJoIJglrFZYn+4YEJqChq4rdrxQg==";
const LIBRARY = "libvulkan.so.1";

/** What one should install instead. */
export const FASTER_DRIVERS =
  "a GPU driver with libvulkan1, or Debian's mesa-vulkan-drivers libvulkan1";

/**
 * The folder for what can be fetched or measured again, after the XDG base directory specification.
 *
 * @throws {Error} when neither `XDG_CACHE_HOME` nor `HOME` is set.
 */
export function cacheFolder(env: { get(name: string): string | undefined } = Deno.env): string {
  const xdg = env.get("XDG_CACHE_HOME");
  if (xdg && isAbsolute(xdg)) return join(xdg, "mononerf"); // the specification ignores relative ones
  const home = env.get("HOME");
  if (home) return join(home, ".cache", "mononerf");
  throw new Error(
    "Cannot find a cache folder: neither XDG_CACHE_HOME nor HOME is set; set XDG_CACHE_HOME to a folder to write to",
  );
}

/** Where SwiftShader is kept in a cache folder: what goes into `LD_LIBRARY_PATH`. */
export function swiftShaderFolder(cache: string): string {
  return join(cache, `swiftshader-${VERSION}`);
}

/** Whether SwiftShader has been fetched into its folder. */
export function hasSwiftShader(folder: string): Promise<boolean> {
  return exists(join(folder, LIBRARY));
}

/**
 * Fetches the 70 MB package and keeps the 6 MB library in `folder`, whole or not at all.
 *
 * @throws {Error} when this is no x86-64 Linux, or the package cannot be fetched, is not the known one, or cannot be kept.
 */
export async function fetchSwiftShader(folder: string): Promise<void> {
  const machine = `${Deno.build.arch} ${Deno.build.os}`;
  if (machine !== "x86_64 linux") {
    throw new Error(
      `Cannot use SwiftShader: it is packed for "x86_64 linux", this is "${machine}"; install ${FASTER_DRIVERS}`,
    );
  }
  const packed = readTarFile(gunzipSync(await fetchPackage()), "package/bin/swiftshader.tar.br");
  const library = readTarFile(brotliDecompressSync(packed), "libvk_swiftshader.so");
  try {
    await Deno.mkdir(folder, { recursive: true });
    await writeFileAtomically(join(folder, LIBRARY), library);
  } catch (cause) {
    throw new Error(
      `Cannot unpack SwiftShader: ${messageOf(cause)} (XDG_CACHE_HOME names another folder)`,
      { cause },
    );
  }
}

/**
 * The package's bytes, known to be the right ones.
 *
 * @param what What is wanted of it, for messages, and how to get that elsewhere.
 * @throws {Error} when it cannot be fetched, or is not the known one.
 */
export async function fetchPackage(
  what: string = "SwiftShader",
  elsewhere: string = `install ${FASTER_DRIVERS}`,
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const response = await fetch(TARBALL);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    bytes = await response.bytes();
  } catch (cause) {
    throw new Error(
      `Cannot fetch ${what} from "${TARBALL}": ${
        messageOf(cause)
      }; connect this machine (HTTPS_PROXY is heeded), or ${elsewhere}`,
      { cause },
    );
  }
  await checkPackage(bytes, elsewhere);
  return bytes;
}

/**
 * Checks that bytes are the package's.
 *
 * @throws {Error} when their SHA-512 is another.
 */
export async function checkPackage(
  bytes: Uint8Array<ArrayBuffer>,
  elsewhere: string = `install ${FASTER_DRIVERS}`,
): Promise<void> {
  const found = Buffer.from(await crypto.subtle.digest("SHA-512", bytes)).toString("base64");
  if (found !== SHA512) {
    throw new Error(
      `Cannot use "${TARBALL}": its SHA-512 is "${found}", wanted "${SHA512}"; something between here and npm changed it, ` +
        `or cut it short: start again, or ${elsewhere}`,
    );
  }
}

/** What went wrong, from the bottom: `fetch failed` alone tells nothing. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : messageOf(error.cause);
}
