/**
 * Headless Chromium for the tests of what opens in a browser, from the npm package that SwiftShader is taken from; kept in a
 * cache folder with the libraries and the font that a bare machine lacks.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { exists, writeFileAtomically } from "../../src/data/files.ts";
import { fetchPackage } from "./npm_package.ts";
import { CHROMIUM } from "./swiftshader.ts";
import { readTarFile, tarFiles } from "./tar.ts";

const PROGRAM = "chromium";
const FONT = "fonts/Open_Sans/OpenSans-Regular.ttf";
const FONTS = `<fontconfig><dir prefix="relative">fonts</dir></fontconfig>\n`;

/** Where Chromium is kept in a cache folder. */
export function chromiumFolder(cache: string): string {
  return join(cache, `chromium-${CHROMIUM.version}`);
}

/** Whether this machine can run the package's Chromium. */
export function runsChromium(): boolean {
  return Deno.build.os === "linux" && Deno.build.arch === "x86_64";
}

/** Whether Chromium has been fetched into its folder. */
export function hasChromium(folder: string): Promise<boolean> {
  return exists(join(folder, PROGRAM));
}

/**
 * Fetches the 70 MB package and keeps Chromium, 200 MB, in `folder`, the program last.
 *
 * @throws {Error} when the package cannot be fetched, is not the known one, or cannot be kept.
 */
export async function fetchChromium(folder: string): Promise<void> {
  const archive = gunzipSync(
    await fetchPackage(CHROMIUM, "Chromium", "name another one in CHROMIUM"),
  );
  const unpack = (name: string) =>
    brotliDecompressSync(readTarFile(archive, `package/bin/${name}.br`));
  const keep = async (path: string, bytes: Uint8Array) => {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFileAtomically(join(folder, path), bytes);
  };
  for (const [path, bytes] of tarFiles(unpack("al2023.tar"))) await keep(path, bytes);
  await keep(FONT, readTarFile(unpack("fonts.tar"), FONT));
  await keep("fonts.conf", new TextEncoder().encode(FONTS));
  await keep(`${PROGRAM}.part`, unpack(PROGRAM));
  await Deno.chmod(join(folder, `${PROGRAM}.part`), 0o755);
  await Deno.rename(join(folder, `${PROGRAM}.part`), join(folder, PROGRAM));
}

/**
 * Sees to it that there is a browser to test with, where one can be had.
 *
 * @param announce Told in one line of the download.
 * @throws {Error} when it cannot be fetched
 */
export async function provideChromium(
  cache: string,
  announce: (line: string) => void,
): Promise<void> {
  const folder = chromiumFolder(cache);
  if (Deno.env.get("CHROMIUM") || !runsChromium() || await hasChromium(folder)) return;
  announce("Fetching Chromium for the tests of what opens in a browser (70 MB, once).");
  await fetchChromium(folder);
}

/** How to start Chromium: a program, and what its environment needs. */
export interface ChromiumCommand {
  /** Its path. */
  program: string;
  /** Its `LD_LIBRARY_PATH` and `FONTCONFIG_PATH`; empty for another's. */
  libraryPath: string;
  fontPath: string;
}

/**
 * The Chromium to test with: the one that the environment variable `CHROMIUM` names, else the one in the cache.
 *
 * @throws {Error} when there is none.
 */
export async function findChromium(cache: string): Promise<ChromiumCommand> {
  const named = Deno.env.get("CHROMIUM");
  if (named) return { program: named, libraryPath: "", fontPath: "" };
  const folder = chromiumFolder(cache);
  if (await hasChromium(folder)) {
    return { program: join(folder, PROGRAM), libraryPath: join(folder, "lib"), fontPath: folder };
  }
  throw new Error(
    runsChromium()
      ? `Cannot open a browser: "${folder}" has none; \`deno task test\` fetches it`
      : "Cannot open a browser: none is packed for this machine; name one in CHROMIUM",
  );
}
