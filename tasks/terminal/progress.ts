/**
 * One line that says how far a long run is: a bar in a terminal, a plain line now and then elsewhere.
 *
 * @module
 */
import { formatBytes } from "../../src/data/byte_size.ts";
import { textWidth } from "./table.ts";

/** How far a run is. */
export interface ProgressState {
  /** What the run does now: `static`, `joint`. */
  what: string;
  /** Steps done, and steps in all, `Infinity` where nobody knows; or bytes, or files. */
  step: number;
  steps: number;
  /** The last values read back; left out where there is none yet. */
  loss?: number;
  /** Of the training views, in dB. */
  psnr?: number | undefined;
}

/** Where progress is written. */
export interface ProgressOutput {
  /** Writes text as it is. */
  write(text: string): void;
  /** Columns of the terminal; undefined where the output is none. */
  columns(): number | undefined;
  /** Milliseconds of a steady clock. */
  now(): number;
}

/** How steps are written. */
export interface ProgressUnit {
  /** `12/300` */
  amount(step: number, steps: number): string;
  /** `3.20 steps/s` */
  rate(perSecond: number): string;
}

/** Things to count: `counted("files")`. */
export function counted(things: string): ProgressUnit {
  return {
    amount: (step, steps) => `${String(step).padStart(String(steps).length)}/${steps}`,
    rate: (perSecond) => `${formatRate(perSecond)} ${things}/s`,
  };
}

/** Bytes of a file. */
export const BYTES: ProgressUnit = {
  amount: (step, steps) =>
    formatBytes(step) + (Number.isFinite(steps) ? ` of ${formatBytes(steps)}` : ""),
  rate: (perSecond) => `${formatBytes(perSecond)}/s`,
};

const STEPS = counted("steps");

/** Options of {@link Progress}. */
export interface ProgressOptions {
  /** Steps between the lines written where there is no terminal. Default 100. */
  every?: number;
  /** What a step is. Default one of training. */
  unit?: ProgressUnit;
  /** Default {@link standardOutput}. */
  output?: ProgressOutput;
}

/** This process's standard output. */
export const standardOutput: ProgressOutput = {
  write(text) {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  },
  columns() {
    if (!Deno.stdout.isTerminal()) return undefined;
    try {
      return Deno.consoleSize().columns || 80;
    } catch {
      return 80; // a terminal that does not tell
    }
  },
  now: () => performance.now(),
};

const REDRAW_MS = 100;
const CLEAR_LINE = "\r\x1b[K";
const BAR = { full: "█", empty: "░", least: 10, most: 30 };

/** A progress bar in a terminal, or a plain line every so many steps. */
export class Progress {
  readonly #every: number;
  readonly #unit: ProgressUnit;
  readonly #output: ProgressOutput;
  readonly #rate = new Rate();
  #drawnAt = -Infinity;
  #drawn = "";
  #step?: number;

  constructor(
    { every = 100, unit = STEPS, output = standardOutput }: ProgressOptions = {},
  ) {
    this.#every = every;
    this.#unit = unit;
    this.#output = output;
  }

  /** Shows a new state: in a terminal at most ten times a second, elsewhere every so many steps and at the last. */
  update(state: ProgressState): void {
    const now = this.#output.now();
    const stepsPerSecond = this.#rate.add(state.step, now / 1000);
    const columns = this.#output.columns();
    const last = state.step >= state.steps;
    if (columns === undefined) {
      const mark = Math.floor(state.step / this.#every);
      const passed = mark > Math.floor((this.#step ?? Infinity) / this.#every); // bytes come in any number
      if (last || passed || state.step % this.#every === 0) {
        this.#output.write(fields(state, this.#unit, stepsPerSecond).join("  ") + "\n");
      }
    } else if (last || now - this.#drawnAt >= REDRAW_MS) {
      this.#drawnAt = now;
      this.#drawn = progressLine(state, stepsPerSecond, columns, this.#unit);
      this.#output.write(CLEAR_LINE + this.#drawn);
    }
    this.#step = state.step;
  }

  /** Writes a line above the bar. */
  log(line: string): void {
    if (this.#drawn === "") this.#output.write(`${line}\n`);
    else this.#output.write(`${CLEAR_LINE}${line}\n${this.#drawn}`);
  }

  /** Takes the bar away; lines stay. */
  clear(): void {
    if (this.#drawn !== "") this.#output.write(CLEAR_LINE);
    this.#drawn = "";
  }

  /** Leaves the bar as it stands and goes to the next line. */
  close(): void {
    if (this.#drawn !== "") this.#output.write("\n");
    this.#drawn = "";
  }
}

/**
 * The progress line for a terminal, one column short of its width so that it never wraps: the bar takes what the fields
 * leave; where that is too little the bar goes first, then fields from the right.
 */
export function progressLine(
  state: ProgressState,
  stepsPerSecond: number | undefined,
  columns: number,
  unit: ProgressUnit = STEPS,
): string {
  const room = columns - 1;
  const texts = fields(state, unit, stepsPerSecond);
  const line = texts.join("  ");
  const bar = Math.min(BAR.most, room - textWidth(line) - 2);
  if (bar >= BAR.least) {
    const full = Math.round(bar * Math.min(1, state.step / state.steps));
    return [texts[0], BAR.full.repeat(full) + BAR.empty.repeat(bar - full), ...texts.slice(1)]
      .join("  ");
  }
  while (texts.length > 1 && textWidth(texts.join("  ")) > room) texts.pop();
  return [...texts.join("  ")].slice(0, Math.max(0, room)).join("");
}

/** The state in words, the most wanted first. */
function fields(
  { what, step, steps, loss, psnr }: ProgressState,
  unit: ProgressUnit,
  stepsPerSecond?: number,
): string[] {
  const texts = [what, unit.amount(step, steps)];
  if (loss !== undefined) texts.push(`loss ${formatLoss(loss)}`);
  if (psnr !== undefined) texts.push(`${psnr.toFixed(2)} dB`);
  if (stepsPerSecond !== undefined) {
    const left = Math.max(0, steps - step) / stepsPerSecond;
    texts.push(unit.rate(stepsPerSecond));
    if (Number.isFinite(left)) texts.push(`${formatDuration(left)} left`);
  }
  return texts;
}

/** Steps a second over the last ten seconds, so that a slow first step is soon forgotten. */
class Rate {
  static readonly #seconds = 10;
  readonly #marks: { step: number; time: number }[] = [];

  /** Takes note of a step at a time in seconds; the rate, undefined until there is one. */
  add(step: number, time: number): number | undefined {
    this.#marks.push({ step, time });
    while (this.#marks.length > 2 && this.#marks[1].time < time - Rate.#seconds) {
      this.#marks.shift();
    }
    const [first] = this.#marks;
    return step > first.step && time > first.time
      ? (step - first.step) / (time - first.time)
      : undefined;
  }
}

function formatLoss(loss: number): string {
  return loss !== 0 && Math.abs(loss) < 1e-3 ? loss.toExponential(2) : loss.toPrecision(4);
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(2) : rate.toFixed(0);
}

/** `7 s`, `3:07`, `1:03:07`: seconds, minutes, hours. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  const tail = `${two(whole % 60)}`;
  return minutes < 60
    ? `${minutes}:${tail}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${tail}`;
}
