/**
 * `deno task bench`: how fast training steps are on this adapter, and how much memory they take.
 *
 * @module
 */
import { openGpu } from "../src/runtime/device.ts";
import { readBenchCases } from "./bench/command.ts";
import { bench } from "./bench/run.ts";
import { runTask } from "./terminal/run_task.ts";

await runTask(async (signal) => {
  const gpu = await openGpu();
  const cases = readBenchCases(Deno.args, gpu.software);
  console.log(gpu.description + (gpu.software ? " (software)" : ""));
  for (const of of cases) await bench(gpu, of, signal);
});
