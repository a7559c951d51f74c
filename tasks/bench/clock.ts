/**
 * Time of the wall and of the CPU.
 *
 * @module
 */
import process from "node:process";

/** Time since it was made: of the wall, and of the CPU, which tells more of a software driver on a busy machine. */
export class Clock {
  readonly #start = performance.now();
  readonly #used = process.cpuUsage();

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.#used);
    return (user + system) / 1e6;
  }

  /** Cells of the columns of speed. */
  speed(flops: number): string[] {
    const { seconds, cpuSeconds } = this;
    return [
      (flops / 1e9).toFixed(1),
      seconds.toFixed(2),
      (flops / seconds / 1e9).toFixed(1),
      cpuSeconds.toFixed(2),
    ];
  }
}
