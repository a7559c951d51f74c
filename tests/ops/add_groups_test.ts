import { addGroups } from "../../src/ops/add_groups.ts";
import { checkGradients, randomArray } from "../support/gpu.ts";

for (
  const [groups, perGroup, channels] of [[1, 1, 1], [1, 65, 3], [63, 1, 4], [7, 9, 5], [65, 4, 2]]
) {
  Deno.test(`addGroups() of ${groups} groups of ${perGroup} points has its gradients`, async () => {
    const points = groups * perGroup;
    await checkGradients(
      {
        x: {
          shape: [2, points, channels],
          layout: "blocks",
          data: randomArray(1, 2 * points * channels),
        },
        term: {
          shape: [2, groups, channels],
          layout: "blocks",
          data: randomArray(2, 2 * groups * channels),
        },
      },
      (plan, { x, term }) => addGroups(plan, "sum", x, term),
    );
  });
}
