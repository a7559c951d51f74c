/**
 * Timing GPU work side by side.
 *
 * @module
 */
import { type Gpu, throwDeviceErrors } from "../../src/runtime/device.ts";
import type { Program } from "../../src/runtime/program.ts";

/** Work that can be repeated. */
export interface Job {
  readonly name: string;
  readonly program: Program;
  /** Operations of a run that count. */
  readonly flops: number;
}

/** How long a run of a job takes. */
export interface Timing {
  readonly job: Job;
  /** Median of the rounds. */
  readonly seconds: number;
}

/** A wait costs some 11 ms whatever was submitted: runs are waited for together, at least so many seconds of them. */
const shortestWait = 0.25;
const mostRuns = 1000;

/** Options of {@link timeJobs}. */
export interface TimeOptions {
  /** Called before a job runs. */
  readonly onJob?: (job: Job, round: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times jobs in turn, round after round, so that whatever else the machine does falls on all alike. The first round, a run of
 * each, also compiles and touches memory: it counts only where it is the only one.
 */
export async function timeJobs(
  gpu: Gpu,
  jobs: readonly Job[],
  rounds: number,
  { onJob, signal }: TimeOptions = {},
): Promise<Timing[]> {
  const entries = jobs.map((job) => ({ job, runs: 1, times: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries) {
      signal?.throwIfAborted();
      const { job, times } = entry;
      onJob?.(job, round);
      if (round === 1 && times[0] < 8 * shortestWait) {
        const seconds = await secondsOf(gpu, job, 1);
        entry.runs = Math.min(mostRuns, Math.ceil(shortestWait / seconds));
      }
      times.push(await secondsOf(gpu, job, entry.runs) / entry.runs);
    }
  }
  return entries.map(({ job, times }) => ({
    job,
    seconds: median(rounds > 1 ? times.slice(1) : times),
  }));
}

async function secondsOf(gpu: Gpu, { name, program }: Job, runs: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < runs; i++) program.run();
  await Promise.race([gpu.device.queue.onSubmittedWorkDone(), gpu.lost]);
  throwDeviceErrors(gpu, `run "${name}"`);
  return (performance.now() - start) / 1000;
}

/** The middle one; of an even number, the lower of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

/** The fastest of some jobs. */
export function fastest(timings: readonly Timing[]): Timing {
  return timings.toSorted((a, b) => gflopsPerSecond(b) - gflopsPerSecond(a))[0];
}

/** Billions of operations a second. */
export function gflopsPerSecond({ job, seconds }: Timing): number {
  return job.flops / seconds / 1e9;
}
