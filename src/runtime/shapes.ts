/**
 * Shape checks, once, when an operation is recorded.
 *
 * @module
 */
import type { Layout, Tensor } from "../runtime/tensor.ts";

/**
 * Checks one named tensor against a layout and dimensions; a word stands for any length.
 *
 * @returns the tensor's shape
 * @throws `Cannot record linear "sf.out": weight is (256, 128) in rows, wanted (outputs, 84) in rows`
 */
export function expectShape(
  operation: string,
  label: string,
  named: Readonly<Record<string, Tensor>>,
  layout: Layout,
  wanted: readonly (number | string)[],
): readonly number[] {
  const [[name, tensor]] = Object.entries(named);
  const fits = tensor.layout === layout && tensor.shape.length === wanted.length &&
    wanted.every((length, i) => typeof length === "string" || length === tensor.shape[i]);
  if (!fits) {
    throw new Error(
      `Cannot record ${operation} "${label}": ${name} is (${
        tensor.shape.join(", ")
      }) in ${tensor.layout}, wanted (${wanted.join(", ")}) in ${layout}`,
    );
  }
  return tensor.shape;
}

/**
 * Checks that nobody differentiates with respect to the inputs of an operation that has no backward pass.
 *
 * @throws `Cannot differentiate correlationLookup "corr": it is for inference only, and flow requires a gradient; …`
 */
export function expectFrozen(
  operation: string,
  label: string,
  named: Readonly<Record<string, Tensor | undefined>>,
): void {
  for (const [name, tensor] of Object.entries(named)) {
    if (!tensor?.requiresGradient) continue;
    throw new Error(
      `Cannot differentiate ${operation} "${label}": it is for inference only, and ${name} requires a gradient; ` +
        "use frozen parameters and inputs",
    );
  }
}
