import { assertEquals } from "@std/assert";
import { keepsRule, type Rule, wantedNumber } from "../../src/recipes/rule.ts";

const cases: [rule: Rule, wanted: string, kept: number[], broken: number[]][] = [
  [{}, "a number", [-1.5, 0, 1e9], [NaN, Infinity, -Infinity]],
  [
    { whole: true, min: 1, unit: "rays" },
    "a whole number of at least 1 (rays)",
    [1, 2],
    [0, 1.5, -1],
  ],
  [{ above: 0, max: 1 }, "a number above 0 and of at most 1", [1e-9, 1], [0, 1.1]],
  [
    { whole: true, min: 4, multipleOf: 4 },
    "a whole number of at least 4 and divisible by 4",
    [4, 64],
    [0, 6, -4],
  ],
];
for (const [rule, wanted, kept, broken] of cases) {
  Deno.test(`keepsRule() tells ${wanted} from others`, () => {
    assertEquals(wantedNumber(rule), wanted);
    for (const value of kept) assertEquals(keepsRule(value, rule), true, `${value}`);
    for (const value of broken) assertEquals(keepsRule(value, rule), false, `${value}`);
  });
}
