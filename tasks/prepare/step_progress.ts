import { counted, Progress } from "../terminal/progress.ts";

/** Lines of a step where there is no terminal. */
const LINES = 4;

/** How far a step of the preparation is, until it is disposed of. */
export class StepProgress implements Disposable {
  readonly #progress: Progress;

  constructor(readonly what: string, readonly steps: number, things: string = "frames") {
    const { amount, rate } = counted(things);
    this.#progress = new Progress({
      every: Math.max(1, Math.ceil(steps / LINES)),
      unit: { amount: (step, steps) => amount(Math.floor(step), steps), rate },
    });
  }

  /** Shows which part is done of the one at hand. */
  within(step: number, fraction: number): void {
    this.update(step + Math.min(fraction, 0.999)); // whole ones are told when they are written
  }

  /** Shows how many are done. */
  update(step: number): void {
    const { what, steps } = this;
    this.#progress.update({ what, step: Math.min(step, steps), steps });
  }

  /** Takes the bar away; lines stay. */
  [Symbol.dispose](): void {
    this.#progress.clear();
  }
}
