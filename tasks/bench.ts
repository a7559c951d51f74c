/**
 * `deno task bench`: how fast training steps, the encoders, MiDaS or RAFT are on this adapter, and how much memory they take;
 * how exact trajectories are.
 *
 * @module
 */
import { openGpu } from "../src/runtime/device.ts";
import { readCommand } from "./bench/command.ts";
import { benchDepth } from "./bench/depth.ts";
import { benchEncoding } from "./bench/encode.ts";
import { benchFlow } from "./bench/flow.ts";
import { bench } from "./bench/run.ts";
import { benchTrajectories } from "./bench/trajectories.ts";
import { describeMachine } from "./driver/run_deno.ts";
import { runTask } from "./terminal/run_task.ts";

await runTask(async (signal) => {
  const gpu = await openGpu();
  const command = readCommand(Deno.args, gpu.software);
  console.log(describeMachine(gpu));
  if (command.kind === "steps") {
    for (const job of command.cases) await bench(gpu, job, signal);
  } else if (command.kind === "trajectories") {
    for (const job of command.cases) await benchTrajectories(gpu, job, signal);
  } else if (command.kind === "encoding") {
    for (const job of command.cases) await benchEncoding(gpu, job, signal);
  } else if (command.kind === "depth") {
    console.log(`\n${await benchDepth(gpu, [480, 270], signal)}`);
  } else {
    await benchFlow(gpu, signal);
  }
});
