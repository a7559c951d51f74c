/**
 * Parameters: official names, PyTorch's initial values, and one flat buffer a group.
 *
 * A group (`mlp_dynamic`, `mlp_static`, `encoder`, `encoder2d`) is what an optimizer steps and what freezes together. Its
 * tensors are ranges of one buffer, so that a checkpoint is one read and Adam one dispatch.
 *
 * @module
 */
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { hashName, randomNormal, randomUniform, streams } from "../runtime/random.ts";
import { readTensor } from "../runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import { flatLayout, offsetOf, tensorViews } from "../runtime/views.ts";

/** How a parameter starts. */
export type Initial =
  | {
    readonly kind: "uniform";
    readonly bound: number;
    /** What a weight's columns are multiplied by, in turn. */
    readonly columns?: readonly number[];
  }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "constant"; readonly value: number };

/** One parameter before it has memory. */
export interface ParameterSpec {
  /** The official state_dict's name. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
}

/** PyTorch's `nn.Linear` times a gain: weight `(outputs, inputs)` and bias uniform in ±gain/√inputs. */
export function linearSpecs(
  name: string,
  inputs: number,
  outputs: number,
  gain: number = 1,
): ParameterSpec[] {
  const initial: Initial = { kind: "uniform", bound: gain / Math.sqrt(inputs) };
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], initial },
    { name: `${name}.bias`, shape: [outputs], initial },
  ];
}

/** Parameters by their official names, as a field reads them. */
export interface Parameters {
  readonly label: string;
  get(name: string): Tensor;
}

/** Parameters that train or freeze together, in one flat buffer. */
export class ParameterGroup implements Parameters {
  /** Every value, with zeros between parameters so that each starts at a multiple of 256 bytes. */
  readonly values: Tensor;
  /** Gradients at the same places; absent in a frozen group. */
  readonly gradients?: Tensor;
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #gradients: ReadonlyMap<string, Tensor> = new Map();
  readonly #frozenTensors = new Map<Tensor, Tensor>();
  #frozen?: Parameters;

  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    readonly specs: readonly ParameterSpec[],
    readonly trainable: boolean,
  ) {
    const shapes: Record<string, readonly number[]> = {};
    for (const { name, shape } of specs) {
      if (Object.hasOwn(shapes, name)) {
        throw new Error(`Cannot make "${label}": "${name}" is twice`);
      }
      shapes[name] = shape;
    }
    const { size } = flatLayout(Object.values(shapes));
    this.values = createTensor(gpu, `${label}.values`, [size]);
    const views = tensorViews(this.values, shapes, { requiresGradient: trainable });
    this.#tensors = new Map(Object.entries(views));
    if (!trainable) return;
    this.gradients = createTensor(gpu, `${label}.gradients`, [size]);
    const gradients = tensorViews(this.gradients, shapes, { label: (name) => `d(${name})` });
    this.#gradients = new Map(Object.entries(gradients));
  }

  /** One parameter by its official name. */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`Cannot find the parameter "${name}" in "${this.label}"`);
    return tensor;
  }

  /** The same parameters, not differentiated: what a stage uses and does not train. */
  get frozen(): Parameters {
    return this.#frozen ??= {
      label: this.label,
      get: (name) => {
        const tensor = this.get(name);
        let frozen = this.#frozenTensors.get(tensor);
        if (!frozen) {
          frozen = { ...tensor, requiresGradient: false };
          this.#frozenTensors.set(tensor, frozen);
        }
        return frozen;
      },
    };
  }

  /** The gradient of one parameter, a range of {@link gradients}. */
  gradientOf(name: string): Tensor {
    const gradient = this.#gradients.get(name);
    if (!gradient) throw new Error(`Cannot find a gradient of "${name}": the group is frozen`);
    return gradient;
  }

  /** Records that this plan sets all gradients to zero and then adds to them. Call before the plan is differentiated. */
  recordGradients(plan: Plan): void {
    if (!this.gradients) throw new Error(`Cannot train "${this.label}": the group is frozen`);
    plan.fill(this.gradients, 0);
    for (const { name } of this.specs) plan.writeGradientTo(this.get(name), this.gradientOf(name));
  }

  /** Gives every parameter its initial value, a function of the seed and its name alone. */
  initialize(seed: number): void {
    const values = new Map<string, Float32Array>();
    for (const { name, shape, initial } of this.specs) {
      const size = shape.reduce((product, length) => product * length, 1);
      const stream = hashName(name);
      const inputs = shape.at(-1)!;
      const draw = (i: number): number => {
        if (initial.kind === "constant") return initial.value;
        if (initial.kind === "normal") {
          return initial.deviation * randomNormal(seed, stream, streams.parameter, i);
        }
        const { bound, columns = [1] } = initial;
        const gain = columns[i % inputs % columns.length];
        return gain * bound * (2 * randomUniform(seed, stream, streams.parameter, i) - 1);
      };
      values.set(name, Float32Array.from({ length: size }, (_, i) => draw(i)));
    }
    this.write(values);
  }

  /**
   * Writes every parameter of the group from values by name.
   *
   * @throws listing missing names and wrong sizes; names of other groups are ignored
   */
  write(values: ReadonlyMap<string, Float32Array>): void {
    const flat = new Float32Array(this.values.size);
    const wrong: string[] = [];
    for (const { name, shape } of this.specs) {
      const given = values.get(name), tensor = this.get(name);
      if (!given) wrong.push(`${name} (${shape.join(", ")}) is missing`);
      else if (given.length !== tensor.size) {
        wrong.push(`${name} has ${given.length} numbers, wanted (${shape.join(", ")})`);
      } else flat.set(given, offsetOf(tensor));
    }
    if (wrong.length) {
      throw new Error(`Cannot load the parameters of "${this.label}":\n  ${wrong.join("\n  ")}`);
    }
    writeTensor(this.gpu, this.values, flat);
  }

  /** Values by official name; with another flat tensor of the group (Adam's moments, say), that one's. */
  async read(flat: Tensor = this.values): Promise<Map<string, Float32Array>> {
    const all = await readTensor(this.gpu, flat);
    return new Map(this.specs.map(({ name }) => {
      const tensor = this.get(name), offset = offsetOf(tensor);
      return [name, all.slice(offset, offset + tensor.size)];
    }));
  }

  /** Frees the group's memory. */
  destroy(): void {
    destroyTensor(this.gpu, this.values);
    if (this.gradients) destroyTensor(this.gpu, this.gradients);
  }
}
