/**
 * `deno task data [SCENE…]`: fetches the official scenes into `data/`; `deno task data check FOLDER` tells what a scene has.
 *
 * @module
 */
import { checkScenes } from "./data/check.ts";
import { readCommand } from "./data/command.ts";
import { fetchScenes } from "./data/fetch.ts";
import { runTask } from "./terminal/run_task.ts";

await runTask(async (signal) => {
  const command = readCommand(Deno.args);
  if (command.kind === "check") await checkScenes(command.directories, signal);
  else await fetchScenes(command, signal);
});
