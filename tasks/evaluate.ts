/**
 * `deno task evaluate RUN…`: scores the models of runs by a protocol, and compares them.
 *
 * @module
 */
import { readCommand } from "./evaluate/command.ts";
import { evaluateRuns } from "./evaluate/run.ts";
import { runTask } from "./terminal/run_task.ts";

await runTask(async (signal) => await evaluateRuns(readCommand(Deno.args), signal));
