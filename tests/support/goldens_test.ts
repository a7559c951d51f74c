import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { deterministic, expectClose, fnv1a, loadCase, loadIndex } from "./goldens.ts";

Deno.test("deterministic() makes the values that the index lists", async () => {
  for (const { fullname, fnv1a32, scale, shift, first } of (await loadIndex()).det_check) {
    assertEquals(fnv1a(fullname), fnv1a32);
    assertEquals([...deterministic(fullname, first.length, scale, shift)], first);
  }
});

Deno.test("loadCase() offers every case's inputs, outputs and tolerances", async () => {
  for (const { name } of (await loadIndex()).cases) {
    if (name === "pth") continue; // files, not tensors
    const golden = await loadCase(name);
    for (const key of golden.keys.slice(0, 20)) {
      assert(golden.tol(key) >= 0, key);
      const values = golden.has(`${key}@val`)
        ? golden.samples(key).values
        : golden.output(key).data;
      assert(values.every(Number.isFinite), key);
    }
    for (const input of golden.inputs.slice(0, 20)) {
      const { data, shape } = golden.input(input);
      assertEquals(data.length, shape.reduce((product, length) => product * length, 1), input);
    }
  }
});

Deno.test("expectClose() accepts the expected values and lists every wrong one", async () => {
  const golden = await loadCase("rays_ndc");
  const [first, second] = golden.keys;
  const right = { [first]: golden.output(first), [second]: golden.output(second).data };
  assertEquals(expectClose(golden, right).worst, 0);

  const near = golden.output(first).data;
  near[5] += 3 * golden.tol(first);
  assertAlmostEquals(expectClose(golden, { [first]: near }).worst, 3, 0.5);

  const wrong = golden.output(first).data;
  wrong[5] = NaN;
  const short = golden.output(second).data.subarray(1);
  const error = assertThrows(() =>
    expectClose(golden, { [first]: wrong, [second]: short, unheardOf: 1 })
  );
  assert(error instanceof Error);
  for (const key of [first, second, "unheardOf"]) assert(error.message.includes(key), key);
});

Deno.test("expectClose() compares sampled tensors at their samples and by their norm", async () => {
  const golden = await loadCase("mlp");
  const key = golden.keys.find((key) => golden.has(`${key}@val`))!;
  const { indices, values, norm } = golden.samples(key);
  const tensor = new Float64Array(Math.max(...indices) + 2);
  let squares = 0;
  indices.forEach((index, i) => {
    tensor[index] = values[i];
    squares += values[i] ** 2;
  });
  assertThrows(() => expectClose(golden, { [key]: tensor }), Error, "its norm");
  tensor[tensor.length - 1] = Math.sqrt(norm! ** 2 - squares); // not a sample: only the norm sees it
  expectClose(golden, { [key]: tensor });
  tensor[indices[3]] += 1;
  assertThrows(() => expectClose(golden, { [key]: tensor }), Error, `[${indices[3]}]`);
});
