/**
 * Lavapipe, Mesa's Vulkan driver in software, for x86-64 Linux machines that have no other: taken from Debian's packages with
 * every library that it and Deno need, kept in a cache folder.
 *
 * Deno is started by the folder's own loader (`ld-linux-x86-64.so.2 --library-path FOLDER deno …`), so that it runs on the
 * folder's glibc and loads no library of the machine's: any age of Linux will do, and nothing is mixed. Programs that a task
 * starts go by the machine's loader as ever, and see none of it.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { exists, reason } from "../../src/data/files.ts";
import { debFiles } from "./deb.ts";
import { type DebianPackage, fetchDebianPackages } from "./debian_package.ts";
import pins from "./lavapipe.json" with { type: "json" };
import { findDamage, type PinnedFile, sha256Hex } from "./pinned_files.ts";
import { MANIFEST } from "./run_deno.ts";

const MANIFEST_TEXT = JSON.stringify({
  file_format_version: "1.0.1",
  ICD: { library_path: "./libvulkan_lvp.so", api_version: "1.4.354" }, // relative to this file
});

/** A package, and its files that are kept. */
export interface LavapipePackage extends DebianPackage {
  /** `path` is a file's place in the package; it is kept as `name`. */
  readonly files: readonly (PinnedFile & { readonly path: string })[];
}

/** What is to be in a folder, and where from. */
export interface LavapipePins {
  /** Debian's version of Mesa. */
  readonly version: string;
  readonly packages: readonly LavapipePackage[];
}

/** The lavapipe that tasks run on: see `pin_lavapipe.ts`. */
export const LAVAPIPE: LavapipePins = pins;

/** What fetching it loads, in MB. */
export const LAVAPIPE_MB = Math.round(
  pins.packages.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6,
);

/**
 * Where Debian's packages are: its mirrors, and its archive of everything that they ever had; `MONONERF_DEBIAN_MIRROR` names
 * others, separated by spaces.
 */
export function debianMirrors(
  env: { get(name: string): string | undefined } = Deno.env,
): readonly string[] {
  const named = env.get("MONONERF_DEBIAN_MIRROR")?.split(/\s+/).filter(Boolean) ?? [];
  if (named.length > 0) return named.map((mirror) => mirror.replace(/\/+$/, ""));
  return [
    "https://deb.debian.org/debian",
    `https://snapshot.debian.org/archive/debian/${pins.snapshot}`,
  ];
}

/** Whether lavapipe is packed for this machine. */
export function runsLavapipe(): boolean {
  return Deno.build.os === "linux" && Deno.build.arch === "x86_64";
}

/** Where lavapipe is kept in a cache folder. */
export function lavapipeFolder(cache: string): string {
  return join(cache, `lavapipe-${LAVAPIPE.version}`);
}

/** What is wrong in a folder of lavapipe; undefined when it is as it has to be. */
export function findLavapipeDamage(
  folder: string,
  { packages }: Pick<LavapipePins, "packages"> = LAVAPIPE,
): string | undefined {
  const manifest = new TextEncoder().encode(MANIFEST_TEXT);
  const files = [
    { name: MANIFEST, bytes: manifest.length, sha256: sha256Hex(manifest) },
    ...packages.flatMap(({ files }) => files),
  ];
  return findDamage(folder, files);
}

/**
 * Fetches the packages and puts the folder in place, whole or not at all.
 *
 * @param mirrors Addresses of Debian's archive, tried in turn.
 * @param announce Told in one line of each that failed, but the last.
 * @throws {Error} when none has the known packages, or the folder cannot be written.
 */
export async function fetchLavapipe(
  folder: string,
  mirrors: readonly string[],
  announce: (line: string) => void,
  { packages }: Pick<LavapipePins, "packages"> = LAVAPIPE,
): Promise<void> {
  const temporary = temporaryName(folder);
  const keep = async ({ path, files }: LavapipePackage, deb: Uint8Array<ArrayBuffer>) => {
    const names = new Map(files.map(({ path, name }) => [path, name]));
    for await (const [path, bytes] of debFiles(deb)) {
      const name = names.get(path);
      if (name) await Deno.writeFile(join(temporary, name), bytes, { mode: 0o755 });
    }
    const damaged = findDamage(temporary, files);
    if (damaged) throw new Error(`Cannot unpack "${path}": it has another "${damaged}", or none`);
  };
  try {
    await Deno.mkdir(temporary, { recursive: true });
    await removeLeftovers(dirname(folder));
    await Deno.writeTextFile(join(temporary, MANIFEST), MANIFEST_TEXT);
    await fetchDebianPackages(packages, mirrors, keep, announce);
    await place(temporary, folder, () => findLavapipeDamage(folder, { packages }) === undefined);
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) throw error; // one of ours
    throw new Error(
      `Cannot keep lavapipe in "${folder}": ${reason(error)} (XDG_CACHE_HOME names another folder)`,
      { cause: error },
    );
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
}

/** Gives a filled folder its name. A whole one that another process put there meanwhile stays: that process runs on it. */
async function place(temporary: string, folder: string, isWhole: () => boolean): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await Deno.rename(temporary, folder);
    } catch (error) { // a folder that is not empty cannot be replaced
      if (attempt === 3 || !await exists(folder)) throw error;
    }
    if (isWhole()) return;
    const damaged = temporaryName(folder);
    await Deno.rename(folder, damaged).catch(() => {}); // unless another process was quicker
    await Deno.remove(damaged, { recursive: true }).catch(() => {});
  }
}

/** Removes what starts that were ended while they fetched left behind a day ago or more. */
async function removeLeftovers(cache: string): Promise<void> {
  for await (const { name } of Deno.readDir(cache)) {
    if (!/^lavapipe-.*\.part$/.test(name)) continue;
    const { mtime } = await Deno.stat(join(cache, name)).catch(() => ({ mtime: null }));
    if (!mtime || Date.now() - mtime.getTime() < 86_400_000) continue;
    await Deno.remove(join(cache, name), { recursive: true }).catch(() => {});
  }
}

function temporaryName(folder: string): string {
  return `${folder}.${crypto.randomUUID().slice(0, 8)}.part`;
}
