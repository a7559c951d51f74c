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
import { isAbsolute, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { writeFileAtomically } from "../../src/data/files.ts";
import { fetchPackage, messageOf, type NpmPackage } from "./npm_package.ts";
import { findDamage, type PinnedFile } from "./pinned_files.ts";
import { readTarFile } from "./tar.ts";

/** The package that SwiftShader and Chromium are taken from. */
export const CHROMIUM: NpmPackage = {
  name: "@sparticuz/chromium",
  version: "149.0.0",
  sha512:
    "2NECBVKlUA9xIUXb4fT8OoGKdAJs+I2tNYscO8FwcxCKCWA7FmpPI0fdVxGJoIJglrFZYn+4YEJqChq4rdrxQg==",
};
const LIBRARY: PinnedFile = {
  name: "libvulkan.so.1",
  bytes: 6_250_472,
  sha256: "cbaae39d935d6bf37cc83f825b00a346d332ecf75fd106e5f06351ad0bf740b0",
};

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
  return join(cache, `swiftshader-${CHROMIUM.version}`);
}

/** Whether SwiftShader has been fetched into its folder, and is there as it was. */
export function hasSwiftShader(folder: string): boolean {
  return findDamage(folder, [LIBRARY]) === undefined;
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
  const archive = gunzipSync(
    await fetchPackage(CHROMIUM, "SwiftShader", `install ${FASTER_DRIVERS}`),
  );
  const packed = readTarFile(archive, "package/bin/swiftshader.tar.br");
  const library = readTarFile(brotliDecompressSync(packed), "libvk_swiftshader.so");
  try {
    await Deno.mkdir(folder, { recursive: true });
    await writeFileAtomically(join(folder, LIBRARY.name), library);
  } catch (cause) {
    throw new Error(
      `Cannot unpack SwiftShader: ${messageOf(cause)} (XDG_CACHE_HOME names another folder)`,
      { cause },
    );
  }
}
