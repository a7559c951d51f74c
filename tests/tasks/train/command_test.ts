import { assertEquals, assertObjectMatch, assertThrows } from "@std/assert";
import {
  balloon,
  generalization,
  own,
  type Recipe,
  recipes,
  unseenFrames,
} from "../../../src/recipes/recipe.ts";
import { parseCommand, type TrainCommand } from "../../../tasks/train/command.ts";
import { UsageError } from "../../../tasks/terminal/options.ts";

const parse = (line: string, machine: "full" | "small" = "small") =>
  parseCommand(line.split(" ").filter(Boolean), machine);

function started(line: string, machine?: "full" | "small"): TrainCommand & { kind: "start" } {
  const command = parse(line, machine);
  if (command.kind !== "start") throw new Error(`${line}: ${command.kind}`);
  return command;
}

const recipeOf = (line: string, machine?: "full" | "small"): Recipe =>
  started(line, machine).recipe;

Deno.test("parseCommand() of train gives each recipe its own numbers, of the machine's preset or of the one named", () => {
  for (const [name, { make }] of Object.entries(recipes)) {
    const line = name === "own" ? "own A" : name;
    for (const preset of ["full", "small"] as const) {
      const recipe = name === "own" ? own(preset, ["A"]) : make(preset);
      assertEquals(JSON.stringify(recipeOf(line, preset)), JSON.stringify(recipe));
      const other = preset === "full" ? "small" : "full";
      assertEquals(recipeOf(`--preset ${preset} ${line}`, other), recipe);
    }
  }
});

Deno.test("parseCommand() of train takes the recipe that is named first, wherever another's name stands", () => {
  const { recipe, run } = started("--run generalization unseen-frames Truck --scenes A,B");
  assertEquals(run, "generalization");
  assertEquals(recipe, { ...unseenFrames("small"), scenes: ["Truck", "A", "B"] });
});

Deno.test("parseCommand() of train changes the numbers that are given, and no others", () => {
  const line =
    "balloon --rays 64 --hidden 16 --steps 7 --dynamic-steps 9 --no-standardize-features " +
    "--trajectory ode --ode-solver rk4 --smooth-time-weight 0 --mask-weight 2";
  const standard = balloon("small");
  assertEquals(recipeOf(line), {
    ...standard,
    rays: 64,
    model: { ...standard.model, hidden: 16 },
    staticSteps: 7,
    dynamicSteps: 9,
    standardizeFeatures: false,
    trajectory: {
      kind: "ode",
      solver: "rk4",
      rtol: 1e-2,
      atol: 1e-3,
      maxSteps: 4,
      stepSize: 1,
      gradient: "backprop",
    },
    lossWeights: { ...standard.lossWeights, mask: 2, smoothTime: 0 },
  });
  assertEquals(recipeOf("balloon --factor 3").frameWidth, 0);
  assertEquals(recipeOf("balloon --factor 3 --frame-width 48").frameWidth, 48);
});

Deno.test("parseCommand() of train has the pace of the preset, and trains a twin of small generalization", () => {
  const pace = { reportEvery: 100, checkpointEvery: 5000 };
  assertEquals(started("balloon --preset full").pace, pace);
  assertEquals(started("balloon --report-every 3").pace, { reportEvery: 3, checkpointEvery: 250 });
  assertEquals(started("generalization").twin, true);
  assertEquals(started("generalization --no-scratch-twin").twin, false);
  assertEquals([started("generalization", "full").twin, started("balloon").twin], [false, false]);
  assertEquals(recipeOf("generalization"), generalization("small"));
});

Deno.test("parseCommand() of train goes on with a run, and lists recipes", () => {
  const features = { folder: undefined, limitBytes: 20e9 };
  assertEquals(parse("--resume runs/x --evaluation-views 0"), {
    kind: "resume",
    run: "runs/x",
    data: undefined,
    evaluationViews: 0,
    pace: { reportEvery: 10, checkpointEvery: 250 },
    features,
  });
  assertObjectMatch(parse("--resume --data elsewhere --feature-cache-limit 0"), {
    run: undefined,
    data: "elsewhere",
    evaluationViews: undefined,
    features: { limitBytes: 0 },
  });
  assertEquals(parse("--list"), { kind: "list" });
});

const refused: [line: string, message: string][] = [
  [
    "balloon --smoothness-farr 1",
    'Unknown flag "--smoothness-farr", did you mean "--smoothness-far"?',
  ],
  [
    "balloon --smoothness-far 1",
    'Cannot read "--smoothness-far": value is "1", wanted a number above -1 and of at most 0.999 (NDC)',
  ],
  ["balloon --ode-solver rk5", 'value is "rk5", wanted dopri5 or rk4 or midpoint or euler'],
  ["balloon --trajectory ode --trajectory-steps 3", "add --trajectory discrete"],
  ["balloon --cycel-weight 1", 'Unknown flag "--cycel-weight", did you mean "--cycle-weight"?'],
  [
    "balloon --cycle-weight -1",
    'Cannot read "--cycle-weight": value is "-1", wanted a number of at',
  ],
  ["--resume a b", 'Cannot go on with more than one run: "b"'],
  ["--resume --cycle-weight 2", 'Cannot change "--cycle-weight" of a run that goes on'],
];
for (const [line, message] of refused) {
  Deno.test(`parseCommand() of train refuses ${line}`, () => {
    assertThrows(() => parse(line), UsageError, message);
  });
}
