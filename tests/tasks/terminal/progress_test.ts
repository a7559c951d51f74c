import { assert, assertEquals } from "@std/assert";
import {
  BYTES,
  counted,
  formatDuration,
  Progress,
  progressLine,
  type ProgressOutput,
} from "../../../tasks/terminal/progress.ts";

/** An output that remembers, with a clock that is set by hand. */
function fakeOutput(columns?: number) {
  const output = { text: "", time: 0 };
  const sink: ProgressOutput = {
    write: (text) => output.text += text,
    columns: () => columns,
    now: () => output.time,
  };
  return Object.assign(output, { sink });
}

const state = { what: "joint", step: 50, steps: 200, loss: 0.04321, psnr: 21.5 };

Deno.test("Progress writes a plain line every so many steps where there is no terminal", () => {
  const output = fakeOutput();
  const progress = new Progress({ every: 2, output: output.sink });
  for (let step = 1; step <= 5; step++) {
    output.time += 500;
    progress.update({ what: "static", step, steps: 5, loss: step });
    if (step === 4) progress.log("saved");
  }
  progress.close();
  assertEquals(output.text.split("\n"), [
    "static  2/5  loss 2.000  2.00 steps/s  2 s left",
    "static  4/5  loss 4.000  2.00 steps/s  1 s left",
    "saved",
    "static  5/5  loss 5.000  2.00 steps/s  0 s left",
    "",
  ]);
});

Deno.test("Progress writes bytes a line whenever so many more have come, also where nobody knows how many will", () => {
  const output = fakeOutput();
  const progress = new Progress({ every: 1e6, unit: BYTES, output: output.sink });
  for (const step of [400_000, 900_000, 1_300_000, 1_900_000, 2_500_000]) {
    output.time += 500;
    progress.update({ what: "fetching", step, steps: Infinity });
  }
  progress.update({ what: "fetching", step: 3_000_000, steps: 3_000_000 });
  progress.clear();
  assertEquals(output.text.split("\n"), [
    "fetching  1.30 MB  900 kB/s",
    "fetching  2.50 MB  1.05 MB/s",
    "fetching  3.00 MB of 3.00 MB  1.30 MB/s  0 s left",
    "",
  ]);
});

Deno.test("Progress takes its bar away when it is cleared", () => {
  const output = fakeOutput(60);
  const progress = new Progress({ unit: counted("files"), output: output.sink });
  progress.clear();
  assertEquals(output.text, "");
  progress.update({ what: "disp", step: 3, steps: 12 });
  progress.clear();
  assert(output.text.includes(" 3/12") && output.text.endsWith("\r\x1b[K"));
});

Deno.test("Progress redraws one line in a terminal, ten times a second at most and at the end", () => {
  const output = fakeOutput(100);
  const progress = new Progress({ output: output.sink });
  for (const step of [1, 2, 3, 4]) {
    progress.update({ ...state, step, steps: 4 });
    output.time += 60;
  }
  progress.log("saved");
  progress.close();
  const lines = output.text.split("\r\x1b[K").slice(1);
  assertEquals(lines.length, 4); // steps 1, 3 and 4, then the logged line with the bar again below it
  assert(lines[2].includes("4/4") && lines[2].includes("█".repeat(30)));
  assertEquals(lines[3], `saved\n${lines[2]}\n`);
});

Deno.test("Progress counts the rate over the last seconds, not from the start", () => {
  const output = fakeOutput();
  const progress = new Progress({ every: 1, output: output.sink });
  progress.update({ ...state, step: 0 });
  output.time = 60_000; // the first step compiles
  for (let step = 1; step <= 40; step++) {
    progress.update({ ...state, step });
    output.time += 1000;
  }
  const last = output.text.trimEnd().split("\n").at(-1)!;
  assert(last.endsWith("1.00 steps/s  2:40 left"), last);
});

Deno.test("progressLine() shortens the bar, then drops it, then drops fields from the right", () => {
  assertEquals(
    progressLine(state, 12.3, 100),
    "joint  ████████░░░░░░░░░░░░░░░░░░░░░░   50/200  loss 0.04321  21.50 dB  12 steps/s  12 s left",
  );
  for (let columns = 1; columns <= 120; columns++) {
    assert([...progressLine(state, 12.3, columns)].length < columns, `${columns} columns`);
  }
  assertEquals(progressLine(state, 12.3, 40), "joint   50/200  loss 0.04321  21.50 dB");
  assertEquals(progressLine(state, undefined, 16), "joint   50/200");
});

Deno.test("progressLine() shows small, zero and broken losses as they are", () => {
  const shown = (loss: number) => progressLine({ ...state, loss, psnr: undefined }, undefined, 32);
  assertEquals(shown(1.234e-5), "joint   50/200  loss 1.23e-5");
  assertEquals(shown(0), "joint   50/200  loss 0.000");
  assertEquals(shown(NaN), "joint   50/200  loss NaN");
});

Deno.test("formatDuration() gives seconds, minutes and hours", () => {
  assertEquals([0, 59.4, 59.6, 187, 3787, 360_000].map(formatDuration), [
    "0 s",
    "59 s",
    "1:00",
    "3:07",
    "1:03:07",
    "100:00:00",
  ]);
});
