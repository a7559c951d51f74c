/**
 * Choosing what WebGPU runs on: the machine's own adapter where it has one; where it has none Debian's lavapipe, or else
 * SwiftShader, which is five times slower.
 *
 * @module
 */
import { delimiter } from "node:path";
import { exists } from "../../src/data/files.ts";
import {
  debianMirrors,
  fetchLavapipe,
  findLavapipeDamage,
  LAVAPIPE_MB,
  lavapipeFolder,
  runsLavapipe,
} from "./lavapipe.ts";
import { type Driver, runDeno } from "./run_deno.ts";
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

type Announce = (line: string) => void;

/**
 * Finds what a Deno process has to be started with to have a WebGPU adapter, and fetches a driver in software where the machine
 * has no adapter of its own or `MONONERF_ADAPTER` asks for one.
 *
 * Also sets what the children inherit: which APIs wgpu may use, and a folder that Mesa asks for.
 *
 * @param announce Told, a line each, before any waiting: which driver is used, and why another is not.
 * @throws {Error} when no driver can be had, or not the one that `MONONERF_ADAPTER` names.
 */
export async function findDriver(announce: Announce): Promise<Driver> {
  for (const [name, value] of Object.entries(ENVIRONMENT)) {
    if (!Deno.env.get(name)) Deno.env.set(name, value);
  }
  const own = Deno.env.get("LD_LIBRARY_PATH") ?? "";
  const wanted = Deno.env.get("MONONERF_ADAPTER") ?? "";
  if (!["", "lavapipe", "swiftshader"].includes(wanted)) {
    throw new Error(
      `Cannot choose an adapter: MONONERF_ADAPTER is "${wanted}", wanted "lavapipe", "swiftshader" or nothing`,
    );
  }
  if (wanted === "" && await hasAdapter()) return { libraryPath: own };
  let why = wanted === "" ? "No WebGPU adapter here" : `MONONERF_ADAPTER=${wanted}`;
  if (wanted === "lavapipe" || wanted === "" && runsLavapipe()) {
    try {
      return { libraryPath: own, lavapipe: await provideLavapipe(why, announce) };
    } catch (error) {
      if (wanted !== "" || !(error instanceof Error)) throw error;
      announce(`${error.message}.`);
      why = "No lavapipe either";
    }
  }
  const folder = await provideSwiftShader(why, announce);
  return { libraryPath: own === "" ? folder : `${folder}${delimiter}${own}` };
}

/** Whether this process, and so its children, can get a WebGPU adapter. */
async function hasAdapter(): Promise<boolean> {
  return await navigator.gpu.requestAdapter() !== null;
}

/** Sees to it that lavapipe is in the cache, and starts here; its folder. */
async function provideLavapipe(why: string, announce: Announce): Promise<string> {
  if (!runsLavapipe()) {
    const machine = `${Deno.build.arch} ${Deno.build.os}`;
    throw new Error(
      `Cannot use lavapipe: it is packed for "x86_64 linux", this is "${machine}"; install ${FASTER_DRIVERS}`,
    );
  }
  const folder = lavapipeFolder(cacheFolder());
  const damaged = findLavapipeDamage(folder);
  const changed = damaged !== undefined && await exists(folder)
    ? `"${damaged}" in "${folder}" is not as it was fetched; `
    : "";
  const cost = damaged === undefined
    ? ""
    : ` (${changed}fetching it from Debian, ${LAVAPIPE_MB} MB, once)`;
  announce(
    `${why}: running on Mesa's lavapipe, a driver in software${cost}; faster: a GPU driver with libvulkan1.`,
  );
  if (damaged !== undefined) await fetchLavapipe(folder, debianMirrors(), announce);
  await checkStart({ libraryPath: "", lavapipe: folder });
  return folder;
}

/** Checks that Deno starts with a driver's libraries: the cache may be where nothing may be run. */
async function checkStart(driver: Driver): Promise<void> {
  const child = runDeno(["--version"], { driver, stdout: "null", stderr: "piped" });
  const complaints = (await new Response(child.stderr).text()).trim().split("\n");
  if ((await child.status).success) return;
  throw new Error(`Cannot start Deno in "${driver.lavapipe}": ${complaints.at(-1)}`);
}

/** Sees to it that SwiftShader is in the cache; its folder. */
async function provideSwiftShader(why: string, announce: Announce): Promise<string> {
  const folder = swiftShaderFolder(cacheFolder());
  const present = hasSwiftShader(folder);
  const cost = present ? "" : " (fetching it, 70 MB, once)";
  announce(`${why}: running on SwiftShader, slow software${cost}; faster: ${FASTER_DRIVERS}.`);
  if (!present) await fetchSwiftShader(folder);
  return folder;
}
