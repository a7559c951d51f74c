/**
 * Scenes from an archive on a server to checked folders.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { ArchiveError, SceneArchive } from "../../src/data/download/archive.ts";
import { formatBytes } from "../../src/data/byte_size.ts";
import { download } from "../../src/data/download/download.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { officialArchive } from "../../src/data/download/official.ts";
import { cacheFolder } from "../driver/swiftshader.ts";
import { BYTES, Progress } from "../terminal/progress.ts";
import { checkBriefly } from "./check.ts";
import { archivesIn, type FetchCommand } from "./command.ts";

/** Bytes between lines of progress where there is no terminal. */
const LINE_EVERY = 100e6;
/** What a zip archive starts with: its first entry. */
const ZIP = [0x50, 0x4b, 0x03, 0x04];

/** Fetches and unpacks what is not there yet, and checks it; the archive stays until all its scenes are unpacked. */
export async function fetchScenes(command: FetchCommand, signal: AbortSignal): Promise<void> {
  const { data, archive, url, force } = command;
  const isOfficial = url === officialArchive.url && archive === undefined;
  const known = command.scenes.length > 0
    ? command.scenes
    : isOfficial
    ? officialArchive.scenes
    : [];
  if (!force && known.length > 0 && (await absent(data, known)).length === 0) {
    console.log(
      `"${data}" has ${known.join(", ")} already: nothing to fetch (--force replaces them).`,
    );
    return;
  }
  const path = archive ?? await fetchArchive(command, isOfficial, signal);
  try {
    await unpackScenes(path, command, signal);
  } catch (error) {
    const isOurs = archive === undefined && error instanceof ArchiveError;
    if (isOurs) await Deno.remove(path); // the next run fetches it again
    throw error;
  }
}

/** The archive in the cache folder, fetched there if need be. */
async function fetchArchive(
  { url, cache, stall, attempts }: FetchCommand,
  isOfficial: boolean,
  signal: AbortSignal,
): Promise<string> {
  const path = join(cache ?? archivesIn(cacheFolder()), archiveName(url));
  if (await exists(path)) {
    console.log(`Taking "${path}", fetched before.`);
    return path;
  }
  console.log(`Fetching "${url}".`);
  const followers = {
    fetching: new Progress({ every: LINE_EVERY, unit: BYTES }),
    hashing: new Progress({ every: Infinity, unit: BYTES }), // seconds: a bar in a terminal, no lines elsewhere
  };
  try {
    const { bytes, sha256 } = await download(url, path, {
      ...(isOfficial ? { bytes: officialArchive.bytes, sha256: officialArchive.sha256 } : {}),
      signature: ZIP,
      stallMs: stall * 1000,
      attempts,
      signal,
      onProgress: (what, step, steps = Infinity) => followers[what].update({ what, step, steps }),
      onNotice: (notice) => followers.fetching.log(notice),
    });
    closeAll(followers);
    console.log(`Fetched ${formatBytes(bytes)}, SHA-256 ${sha256}.`);
    return path;
  } catch (error) {
    closeAll(followers);
    if (signal.aborted) {
      console.log("Stopped: what has come stays, and the same command goes on with it.");
    }
    if (!isOfficial || !(error instanceof DataError)) throw error;
    throw new DataError(
      `${error.message}\nThe same scenes by hand: fetch ${officialArchive.byHand} with a browser, ` +
        "then deno task data --archive FILE",
      { cause: error },
    );
  }
}

async function unpackScenes(
  path: string,
  { data, scenes: names, archive: given, force }: FetchCommand,
  signal: AbortSignal,
): Promise<void> {
  using archive = await SceneArchive.open(path);
  const all = archive.scenes.map(({ name }) => name);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new DataError(`Cannot unpack "${unknown}": the archive has ${all.join(", ")}`);
  }
  const wanted = names.length > 0 ? names : all;
  const chosen = force ? wanted : await absent(data, wanted);
  const staying = wanted.filter((name) => !chosen.includes(name));
  if (staying.length > 0) {
    console.log(`"${data}" has ${staying.join(", ")} already: they stay (--force replaces them).`);
  }
  await Deno.mkdir(data, { recursive: true });
  for (const name of chosen) {
    const { bytes, files } = archive.scenes.find((scene) => scene.name === name)!;
    const directory = join(data, name);
    const progress = new Progress({ every: LINE_EVERY, unit: BYTES });
    try {
      await archive.unpack(name, directory, {
        signal,
        onProgress: (step) => progress.update({ what: directory, step, steps: bytes }),
      });
    } finally {
      progress.clear();
    }
    console.log(`Unpacked "${directory}": ${files} files, ${formatBytes(bytes)}.`);
  }
  if (given === undefined) await tidy(path, data, all);
  await checkBriefly(wanted.map((name) => join(data, name)), signal);
}

/** Removes an archive of the cache when nothing in it is wanted any more. */
async function tidy(path: string, data: string, scenes: readonly string[]): Promise<void> {
  const left = await absent(data, scenes);
  if (left.length === 0) return await Deno.remove(path);
  const { size } = await Deno.stat(path);
  console.log(
    `"${path}" (${formatBytes(size)}) stays for ${
      left.join(", ")
    }; delete it if you want none of them.`,
  );
}

async function absent(data: string, scenes: readonly string[]): Promise<string[]> {
  const there = await Promise.all(scenes.map((name) => exists(join(data, name))));
  return scenes.filter((_, i) => !there[i]);
}

/** `1f0a…-data.zip`: addresses differ, their last parts need not. */
function archiveName(url: string): string {
  const name = basename(new URL(url).pathname).replaceAll(/[^\w.-]/g, "_") || "archive.zip";
  return `${createHash("sha256").update(url).digest("hex").slice(0, 12)}-${name}`;
}

function closeAll(followers: Record<string, Progress>): void {
  for (const progress of Object.values(followers)) progress.clear();
}
