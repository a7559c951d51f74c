/**
 * What scene folders have, as tables.
 *
 * @module
 */
import { DataError } from "../../src/data/files.ts";
import { checkScene, type PartCheck, type SceneCheck } from "../../src/data/scene/scene_check.ts";
import { counted, Progress } from "../terminal/progress.ts";
import { renderTable } from "../terminal/table.ts";

/**
 * Prints what each folder has, part by part.
 *
 * @throws {DataError} If one cannot be trained on.
 */
export async function checkScenes(
  directories: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const checks: SceneCheck[] = [];
  for (const directory of directories) {
    const check = await followedCheck(directory, signal);
    console.log(`${checks.length > 0 ? "\n" : ""}${partTable(check)}`);
    checks.push(check);
  }
  requireTrainable(checks);
}

/**
 * Prints a line for each folder.
 *
 * @throws {DataError} If one cannot be trained on.
 */
export async function checkBriefly(
  directories: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const checks: SceneCheck[] = [];
  for (const directory of directories) checks.push(await followedCheck(directory, signal));
  console.log(sceneTable(checks));
  requireTrainable(checks);
}

async function followedCheck(directory: string, signal: AbortSignal): Promise<SceneCheck> {
  const progress = new Progress({ every: Infinity, unit: counted("files") }); // a bar in a terminal, no lines elsewhere
  try {
    return await checkScene(directory, {
      signal,
      onProgress: (part, step, steps) => {
        if (step < steps) progress.update({ what: `${directory} ${part}`, step, steps });
      },
    });
  } finally {
    progress.clear();
  }
}

/** All parts of a scene, then what is wrong, then what can be done with it. */
export function partTable({ directory, parts, trainingFault }: SceneCheck): string {
  const rows = parts.map(({ part, neededFor, good, wanted, shapes }) => [
    part,
    neededFor,
    wanted === 0 ? String(good) : `${good} of ${wanted}`,
    shapes.slice(0, 3).join(", ") + (shapes.length > 3 ? ", …" : ""),
  ]);
  const faults = parts.filter(({ wrong }) => wrong !== undefined)
    .map(({ part, wrong }) => `${part}: ${wrong}`);
  return [
    renderTable([[directory, "needed for", "good files", "size"], ...rows]),
    ...(faults.length > 0 ? ["", ...faults] : []),
    "",
    trainingFault !== undefined
      ? "It cannot be trained on."
      : `It can be trained on. ${whatIsScored(parts.find(({ part }) => part === "multiview_GT"))}`,
  ].join("\n");
}

function whatIsScored(views: PartCheck | undefined): string {
  if (!views?.good) return "Without held-out views its own frames are scored.";
  return views.wrong === undefined
    ? "Every camera's view at every time can be scored."
    : "Of the held-out views those that are there can be scored.";
}

/** One line a scene. */
export function sceneTable(checks: readonly SceneCheck[]): string {
  const rows = checks.map(({ directory, frames, parts, trainingFault }) => {
    const part = (name: string) => parts.find(({ part }) => part === name);
    const views = part("multiview_GT");
    return [
      directory,
      String(frames),
      part("images")?.shapes[0] ?? "",
      trainingFault === undefined ? "yes" : "no",
      views?.good ? `${views.good} of ${views.wanted}` : "none",
    ];
  });
  return renderTable([["scene", "frames", "size", "can be trained on", "held-out views"], ...rows]);
}

function requireTrainable(checks: readonly SceneCheck[]): void {
  const faults = checks.flatMap(({ trainingFault }) => trainingFault ?? []);
  if (faults.length > 0) throw new DataError(faults[0]);
}
