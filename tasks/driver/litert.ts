/**
 * LiteRT (TensorFlow Lite), compiled to WebAssembly, and MediaPipe's selfie segmentation for it: taken from npm packages,
 * kept in a cache folder.
 *
 * @module
 */
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { exists, writeFileAtomically } from "../../src/data/files.ts";
import { fetchPackage, type NpmPackage } from "./npm_package.ts";
import { readTarFile } from "./tar.ts";

const LITERT: NpmPackage = {
  name: "@litertjs/core",
  version: "2.5.3",
  sha512:
    "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
};
const SELFIE: NpmPackage = {
  name: "@mediapipe/selfie_segmentation",
  version: "0.1.1675465747",
  sha512:
    "IxYxNhwE5VwOm52L1yoFWYLP7q9Pd+NJjzOC5tlepfvEGaY3o9hslhUrx9BgseqdfZtKSDtd/4NfCSMjNzQalA==",
};

/** What is kept: LiteRT's module, its WebAssembly with the script around it, and the network for frames of 16:9 and of 1:1. */
export const FILES = {
  module: "index.js",
  wasmScript: "litert_wasm_internal.js",
  wasm: "litert_wasm_internal.wasm",
  landscape: "selfie_segmentation_landscape.tflite",
  square: "selfie_segmentation.tflite",
} as const;

/** Where they are kept in a cache folder. */
export function selfieFolder(cache: string): string {
  return join(cache, `selfie-segmentation-${LITERT.version}`);
}

/** Fetches both packages, 16 MB, and keeps 10 MB of them in the cache, unless they are there. */
export async function provideSelfieSegmentation(
  cache: string,
  announce: (line: string) => void,
): Promise<void> {
  const folder = selfieFolder(cache);
  if (await exists(join(folder, FILES.square))) return; // the last one to be kept
  announce("Fetching the selfie segmentation and what runs it (16 MB, once).");
  const unpacked = async (wanted: NpmPackage) =>
    gunzipSync(await fetchPackage(wanted, "person masks", "go without --person-masks selfie"));
  const litert = await unpacked(LITERT), selfie = await unpacked(SELFIE);
  await Deno.mkdir(folder, { recursive: true });
  const keep = (archive: Uint8Array, path: string) =>
    writeFileAtomically(join(folder, basename(path)), readTarFile(archive, `package/${path}`));
  await keep(litert, `dist/${FILES.module}`);
  await keep(litert, `wasm/${FILES.wasmScript}`);
  await keep(litert, `wasm/${FILES.wasm}`);
  await keep(selfie, FILES.landscape);
  await keep(selfie, FILES.square);
}
