import { assertEquals, assertThrows } from "@std/assert";
import { flagGroup, helpText, parseOptions, UsageError } from "../../../tasks/terminal/options.ts";

const weights = { static: 1, flow: 0.02 };
const flags = {
  ...flagGroup("Training", { steps: 2000, learningRate: 5e-4, fused: true }, {
    steps: { about: "optimizer steps", unit: "steps", whole: true, min: 1 },
    learningRate: { about: "of Adam, at the start", above: 0, max: 1 },
    fused: { about: "use fused kernels" },
  }),
  ...flagGroup("Losses", weights, {
    static: { about: "weight of the static color" },
    flow: { about: "weight of the flow" },
  }),
  ...flagGroup("Run", {
    preset: "small" as "small" | "full",
    data: undefined as string | undefined,
    resume: false,
  }, {
    preset: { about: "sizes of the network", choices: ["small", "full"] },
    data: { about: "scenes", unit: "folder" },
    resume: { about: "go on from the last checkpoint" },
  }),
};

Deno.test("parseOptions() gives each flag its default, typed", () => {
  const { values, given, positionals } = parseOptions(flags, []);
  const typed: {
    steps: number;
    fused: boolean;
    preset: "small" | "full";
    data?: string | undefined;
  } = values;
  assertEquals(typed, {
    steps: 2000,
    learningRate: 5e-4,
    fused: true,
    static: 1,
    flow: 0.02,
    preset: "small",
    data: undefined,
    resume: false,
  });
  assertEquals(given, new Set());
  assertEquals(positionals, []);
});

Deno.test("parseOptions() reads values, switches and what is no flag", () => {
  const line = "balloon --steps 5 --learning-rate=1e-3 --flow -2 --no-fused --resume 7 --data=a=b";
  const { values, given, positionals } = parseOptions(flags, [...line.split(" "), "--", "--x"]);
  assertEquals(positionals, ["balloon", "7", "--x"]);
  assertEquals(given, new Set(["steps", "learningRate", "flow", "fused", "resume", "data"]));
  assertEquals([values.steps, values.learningRate, values.flow], [5, 1e-3, -2]);
  assertEquals([values.fused, values.resume, values.data], [false, true, "a=b"]);
});

const refused: [line: string, message: string][] = [
  ["--stesp 5", 'Unknown flag "--stesp", did you mean "--steps"?'],
  ["--colour red", 'Unknown flag "--colour"'],
  ["-s", 'Unknown flag "-s"'],
  ["--no-steps", 'Unknown flag "--no-steps"'],
  [
    "--steps",
    'Cannot read "--steps": no value follows, wanted a whole number of at least 1 (steps)',
  ],
  ["--steps --resume", 'Cannot read "--steps": no value follows'],
  ["--steps=", 'Cannot read "--steps": no value follows'],
  ["--steps 1.5", 'Cannot read "--steps": value is "1.5", wanted a whole number'],
  ["--steps 0", 'Cannot read "--steps": value is "0", wanted a whole number of at least 1'],
  ["--steps 5k", 'Cannot read "--steps": value is "5k"'],
  ["--steps Infinity", 'Cannot read "--steps": value is "Infinity"'],
  ["--learning-rate 0", "wanted a number above 0 and of at most 1"],
  ["--learning-rate 2", 'Cannot read "--learning-rate": value is "2"'],
  ["--preset big", 'Cannot read "--preset": value is "big", wanted small or full'],
  ["--resume=yes", 'Cannot read "--resume": value is "yes", wanted none'],
];
for (const [line, message] of refused) {
  Deno.test(`parseOptions() refuses ${line}`, () => {
    assertThrows(() => parseOptions(flags, line.split(" ")), UsageError, message);
  });
}

Deno.test("parseOptions() can leave unknown flags to a later reading", () => {
  const { preset } = flags;
  const { values } = parseOptions({ preset }, ["--steps", "5", "--preset", "full"], {
    unknown: "ignore",
  });
  assertEquals(values.preset, "full");
});

Deno.test("helpText() shows each flag with default and unit under its heading", () => {
  assertEquals(
    helpText(flags, { usage: "deno task train [recipe]", about: "Trains a model." }),
    `Usage: deno task train [recipe]

Trains a model.

flag               default  unit        meaning
─────────────────  ───────  ──────────  ──────────────────────────────

Training
  --steps          2000     steps       optimizer steps
  --learning-rate  0.0005               of Adam, at the start
  --no-fused       on                   use fused kernels

Losses
  --static         1                    weight of the static color
  --flow           0.02                 weight of the flow

Run
  --preset         small    small|full  sizes of the network
  --data           none     folder      scenes
  --resume         off                  go on from the last checkpoint`,
  );
});
