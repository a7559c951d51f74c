import { assertEquals, assertMatch } from "@std/assert";
import { runDeno } from "../../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../../tasks/permissions.ts";
import { grantsOf } from "../../../tasks/start.ts";

/** Runs `deno task bench` as the task runner does; what it prints. */
async function bench(line: string): Promise<string> {
  const args = line.split(" ");
  const flags = permissionFlags(grantsOf("bench")!, args);
  const child = runDeno(["run", "--no-check", ...flags, "tasks/bench.ts", ...args], {
    stdout: "piped",
    stderr: "piped",
  });
  const [out, err, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  assertEquals({ code, err }, { code: 0, err: "" });
  return out;
}

Deno.test("deno task bench prints parts, speeds, their ratio and the memory", async () => {
  const out = await bench("--width 16 --rays 4 --samples 4 --steps 1 --stage static");
  assertMatch(
    out,
    /width 16: 2 scenes x 2 rays x 4 samples, 12 frames of 96 x 54; random features/,
  );
  assertMatch(out, /\nstatic field +[\d.]+ +[\d.]+ +[\d.]+ +\d+\.\d %/);
  assertMatch(out, /\nstatic step +\S+ +0\.00 +[\d.]+ +[\d.]+ +\d\.\d\d\n/);
  assertMatch(out, /The ratio should be 0\.50 or more\. Best product: \d+ points, /);
  assertMatch(out, /\nfeatures +\d+\.\d\n/);
  assertMatch(out, /\npeak +\d+\.\d\n/);
});

Deno.test("deno task bench --encode prints what each encoder took, and the cache of its features", async () => {
  const out = await bench("--encode --width 16");
  assertMatch(
    out,
    /encoders of width 4: balloon1, 12 frames of 96 x 54 \+ balloon2, 12 frames of /,
  );
  const numbers = String.raw`+[1-9]\d* +[\d.]+ +[\d.]+ +\d\.\d\d\b`;
  assertMatch(
    out,
    new RegExp(String.raw`\nvideo +24 +192 x 108 +\d\.\d +[\d.]+ +[\d.]+ ${numbers}`),
  );
  assertMatch(
    out,
    new RegExp(String.raw`\nimage +24 +384 x 216 +\d\.\d +[\d.]+ +[\d.]+ ${numbers}`),
  );
});

Deno.test("deno task bench --trajectories prints orders, errors, gradients and their memory, and steps with each solver", async () => {
  const out = await bench("--trajectories --width 16 --rays 4 --samples 4 --steps 1");
  assertMatch(out, /\neuler +128 +\S+ +\S+ +(0\.9|1\.0)\d\n/);
  assertMatch(out, /\nmidpoint +32 +\S+ +\S+ +(1\.9|2\.0)\d\n/);
  assertMatch(out, /\nrk4 +8 +\S+ +\S+ +(3\.9|4\.[01])\d\n/);
  assertMatch(out, /\ndopri5 +1e-5 +1e-6 +0\.\d\d +\d+ +\d+\n/);
  assertMatch(out, /\n1e-5 +32 +\d\.\de-[67] +\d\.\de-[56] +\d+ \+ \d+ +0\.\d\d +0\.\d\d\n/);
  assertMatch(out, /\nrk4, 16 steps +\S+ +\S+ +[\d.]+ +[\d.]+\n/);
  for (const name of ["discrete, 2 steps", "euler", "midpoint", "rk4", "rk4, adjoint", "dopri5"]) {
    assertMatch(out, new RegExp(String.raw`\n${name} +[\d.]+ +\d+ +\d+\.\d\d +[\d.]+\n`));
  }
});
