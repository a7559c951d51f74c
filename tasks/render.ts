/**
 * `deno task render RUN`: renders views of a run's scenes that nobody filmed, as PNG frames and films.
 *
 * @module
 */
import { readCommand } from "./render/command.ts";
import { render } from "./render/run.ts";
import { runTask } from "./terminal/run_task.ts";

await runTask(async (signal) => await render(readCommand(Deno.args), signal));
