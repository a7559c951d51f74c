/**
 * Choosing what WebGPU runs on: the machine's own adapter where it has one, SwiftShader where it has none.
 *
 * @module
 */
import { delimiter } from "node:path";
import {
  cacheFolder,
  FASTER_DRIVERS,
  fetchSwiftShader,
  hasSwiftShader,
  swiftShaderFolder,
} from "./swiftshader.ts";

/** What WebGPU is asked for through the environment, here and in the tasks that this process starts. */
const ENVIRONMENT = {
  // wgpu would also offer OpenGL where there is no Vulkan driver, with limits and bugs of its own.
  DENO_WEBGPU_BACKEND: "vulkan,metal,dx12",
  // Mesa looks there for a Wayland socket, which nobody needs, and complains on stderr where it is not set.
  XDG_RUNTIME_DIR: "/tmp",
};

/**
 * Finds the `LD_LIBRARY_PATH` under which a Deno process has a WebGPU adapter, and fetches SwiftShader where the machine has
 * no adapter of its own or `MONONERF_ADAPTER=swiftshader` asks for it.
 *
 * Also sets what the children inherit: which APIs wgpu may use, and a folder that Mesa asks for.
 *
 * @param announce Told in one line, before any waiting, that SwiftShader is used.
 * @throws {Error} when SwiftShader is needed and cannot be had, or `MONONERF_ADAPTER` is something else.
 */
export async function findLibraryPath(announce: (line: string) => void): Promise<string> {
  for (const [name, value] of Object.entries(ENVIRONMENT)) {
    if (!Deno.env.get(name)) Deno.env.set(name, value);
  }
  const own = Deno.env.get("LD_LIBRARY_PATH") ?? "";
  const wanted = Deno.env.get("MONONERF_ADAPTER") ?? "";
  if (!["", "swiftshader"].includes(wanted)) {
    throw new Error(
      `Cannot choose an adapter: MONONERF_ADAPTER is "${wanted}", wanted "swiftshader" or nothing`,
    );
  }
  if (wanted === "" && await hasAdapter()) return own;
  const folder = swiftShaderFolder(cacheFolder());
  const present = await hasSwiftShader(folder);
  const why = wanted === "" ? "No WebGPU adapter here" : "MONONERF_ADAPTER=swiftshader";
  const cost = present ? "" : " (fetching it, 70 MB, once)";
  announce(`${why}: running on SwiftShader, slow software${cost}; faster: ${FASTER_DRIVERS}.`);
  if (!present) await fetchSwiftShader(folder);
  return own === "" ? folder : `${folder}${delimiter}${own}`;
}

/** Whether this process, and so its children, can get a WebGPU adapter. */
async function hasAdapter(): Promise<boolean> {
  return await navigator.gpu.requestAdapter() !== null;
}
