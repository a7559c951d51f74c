import { matrixProduct } from "../../src/ops/matrix_product.ts";
import { checkGradients, randomArray } from "../support/gpu.ts";

for (const [outputs, inner, inputs] of [[1, 1, 1], [7, 63, 5], [65, 3, 33], [16, 257, 1]]) {
  Deno.test(`matrixProduct() of ${outputs}x${inner} and ${inner}x${inputs} has its gradients`, async () => {
    const columns = inner + 3;
    await checkGradients(
      {
        left: { shape: [outputs, columns], data: randomArray(1, outputs * columns) },
        right: { shape: [inner, inputs], data: randomArray(2, inner * inputs) },
        sum: { shape: [outputs, inputs], data: randomArray(3, outputs * inputs) },
      },
      (plan, { left, right, sum }) => matrixProduct(plan, "product", left, 2, right, sum),
    );
  });
}
