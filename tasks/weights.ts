/**
 * `deno task weights FILE…`: what files of weights hold; `deno task weights FROM TO`: from one format to the other.
 *
 * @module
 */
import { DataError, exists, writeFileAtomically } from "../src/data/files.ts";
import { requireHashInName } from "../src/data/weights/name_hash.ts";
import { toOfficialStateDict } from "../src/data/weights/official_state_dict.ts";
import { toSafetensors, toStateDict } from "../src/data/weights/weight_formats.ts";
import { loadWeightsFile } from "../src/data/weights/weights_file.ts";
import { runTask } from "./terminal/run_task.ts";
import { readCommand, type WeightsCommand } from "./weights/command.ts";
import { hashAgrees, weightsReport } from "./weights/report.ts";

await runTask(async () => {
  const command = readCommand(Deno.args);
  if (command.kind === "show") await show(command.files);
  else await convert(command);
});

async function show(paths: readonly string[]): Promise<void> {
  const damaged: string[] = [];
  for (const [i, path] of paths.entries()) {
    const file = await loadWeightsFile(path);
    const { size } = await Deno.stat(path);
    console.log((i > 0 ? "\n" : "") + weightsReport(path, size, file));
    if (!hashAgrees(path, file.sha256)) damaged.push(path);
  }
  if (damaged.length > 0) {
    throw new DataError(`Cannot trust "${damaged.join('", "')}": its hash is not that of its name`);
  }
}

async function convert(
  { from, to, force, official }: Extract<WeightsCommand, { kind: "convert" }>,
): Promise<void> {
  if (!force && await exists(to)) {
    throw new DataError(`Cannot write "${to}": it is there already; --force writes over it`);
  }
  const file = await loadWeightsFile(from);
  requireHashInName(from, file.sha256);
  const make = official
    ? toOfficialStateDict
    : /\.safetensors$/i.test(to)
    ? toSafetensors
    : toStateDict;
  const { bytes, tensors, notes } = make(file, from);
  await writeFileAtomically(to, bytes);
  for (const note of notes) console.log(note);
  console.log(`Wrote "${to}": ${tensors} tensors, ${(bytes.length / 1e6).toFixed(1)} MB`);
}
