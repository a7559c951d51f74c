/**
 * Memory for arithmetic: activations that are freed after the forward pass and written again before the backward pass reads them.
 *
 * @module
 */
import type { Dispatch } from "./dispatch.ts";
import type { Tensor } from "./tensor.ts";

/**
 * A list of dispatches in which the writers of some tensors stand once more before their first use in the backward pass, which
 * then reads the tensor that is written again.
 *
 * @param forward dispatches of the forward pass, the first of the list
 */
export function repeatWriters<D extends Dispatch>(
  dispatches: readonly D[],
  forward: number,
  tensors: Iterable<Tensor>,
): D[] {
  const list = [...dispatches];
  for (const tensor of tensors) {
    const uses = ({ bindings }: D) => Object.values(bindings).includes(tensor);
    const first = list.findIndex((dispatch, i) => i >= forward && uses(dispatch));
    if (first < 0) continue;
    const writers = list.slice(0, forward).filter(({ bindings, kernel }) =>
      Object.entries(bindings).some(([name, value]) =>
        value === tensor && kernel.bindings.get(name)!.access === "read_write"
      )
    );
    const again: Tensor = { ...tensor, label: `${tensor.label} again` };
    const renamed = (dispatch: D): D => ({
      ...dispatch,
      bindings: Object.fromEntries(
        Object.entries(dispatch.bindings).map(([name, value]) => [
          name,
          value === tensor ? again : value,
        ]),
      ),
    });
    for (let i = first; i < list.length; i++) {
      if (uses(list[i])) list[i] = renamed(list[i]);
    }
    list.splice(
      first,
      0,
      ...writers.map((dispatch) => ({ ...renamed(dispatch), label: `${dispatch.label}.again` })),
    );
  }
  return list;
}
