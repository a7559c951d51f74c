/**
 * `deno task train RECIPE`: trains a model on moving scenes, renders views of them, and scores these.
 *
 * @module
 */
import { openGpu } from "../src/runtime/device.ts";
import { runTask } from "./terminal/run_task.ts";
import { readCommand, recipeTable } from "./train/command.ts";
import { train } from "./train/run.ts";

await runTask(async (signal) => {
  const gpu = await openGpu();
  const command = readCommand(Deno.args, gpu.software ? "small" : "full");
  if (command.kind === "list") console.log(recipeTable());
  else await train(gpu, command, signal);
});
