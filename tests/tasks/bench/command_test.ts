import { assertEquals } from "@std/assert";
import { balloon } from "../../../src/recipes/recipe.ts";
import { type BenchCase, parseCommand } from "../../../tasks/bench/command.ts";

function benchCases(args: string[], software: boolean): readonly BenchCase[] {
  const command = parseCommand(args, software);
  if (command.kind !== "steps") throw new Error(`not of steps: ${command.kind}`);
  return command.cases;
}

const shown = (args: string[], software: boolean) =>
  benchCases(args, software).map(({ recipe, stages, steps, wantedRatio }) => ({
    preset: recipe.preset,
    width: recipe.model.hidden,
    rays: recipe.rays,
    stages: stages.join(),
    steps,
    wantedRatio,
  }));

const both = "static,dynamic";
const smallRays = balloon("small").rays, fullRays = balloon("full").rays;

Deno.test("parseCommand() of bench takes the small preset and the paper's widths on software", () => {
  assertEquals(shown([], true), [
    { preset: "small", width: 64, rays: smallRays, stages: both, steps: 6, wantedRatio: 0.5 },
    { preset: "small", width: 256, rays: 64, stages: both, steps: 6, wantedRatio: 0.6 },
  ]);
});

Deno.test("parseCommand() of bench takes both presets on a GPU", () => {
  assertEquals(shown([], false), [
    { preset: "small", width: 64, rays: smallRays, stages: both, steps: 6, wantedRatio: 0.5 },
    { preset: "full", width: 256, rays: fullRays, stages: both, steps: 6, wantedRatio: 0.6 },
  ]);
});

Deno.test("parseCommand() of bench runs no step of full on software unless it is told to", () => {
  const common = { preset: "full", width: 256, rays: fullRays, wantedRatio: 0.6 };
  assertEquals(shown(["--preset", "full"], true), [{ ...common, stages: both, steps: 0 }]);
  assertEquals(shown("--preset full --steps 3 --stage dynamic".split(" "), true), [
    { ...common, stages: "dynamic", steps: 3 },
  ]);
});

Deno.test("parseCommand() of bench has the paper's proportions at its width", () => {
  const [{ recipe }] = benchCases(["--width", "256"], true);
  assertEquals(recipe.model, balloon("full").model);
});

Deno.test("parseCommand() of bench takes scenes for --encode, and sizes as for steps", () => {
  const args = "--encode Balloon1 Balloon2 --data scenes --preset full".split(" ");
  const [{ recipe }] = benchCases(["--preset", "full"], true);
  assertEquals(parseCommand(args, true), {
    kind: "encoding",
    cases: [{ recipe, data: "scenes", names: ["Balloon1", "Balloon2"] }],
  });
  assertEquals(parseCommand(["--depth"], true), { kind: "depth" });
  assertEquals(parseCommand([], true), { kind: "steps", cases: benchCases([], true) });
});

Deno.test("parseCommand() of bench takes --trajectories at one set of sizes", () => {
  const [small] = benchCases([], true);
  assertEquals(parseCommand(["--trajectories"], true), {
    kind: "trajectories",
    cases: [small],
  });
});
