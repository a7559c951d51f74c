/**
 * `deno task prepare VIDEO`: from a video, or a folder of images, to a scene that can be trained on.
 *
 * @module
 */
import { readCommand } from "./prepare/command.ts";
import { prepare } from "./prepare/run.ts";
import { runTask } from "./terminal/run_task.ts";

await runTask((signal) => prepare(readCommand(Deno.args), signal));
