/**
 * Running a large frozen network once: piece by piece, each a plan of its own, memory freed behind it.
 *
 * @module
 */
import { type Gpu, throwDeviceErrors } from "../runtime/device.ts";
import { Plan } from "../runtime/plan.ts";
import { type BuiltDispatch, Program } from "../runtime/program.ts";
import { createBuffer, createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";

/** How far a network is. */
export interface PieceProgress {
  /** The piece that runs: `layer3.2`. */
  readonly piece: string;
  /** Part of all the work that is done, 0 to 1. */
  readonly fraction: number;
  /** Floating-point operations done so far. */
  readonly flops: number;
}

/** Options of {@link runInPieces}. */
export interface PieceOptions {
  /** Called after every submit. */
  readonly onProgress?: ((progress: PieceProgress) => void) | undefined;
  /** Stops the run after the current submit, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

// A submit ends after this many operations: about a second on a software driver, far from any driver's time limit on a GPU.
const submitOperations = { software: 2e10, hardware: 2e11 };
// What a workgroup costs that does not multiply but moves memory, beside the operations of one that multiplies.
const workgroupOperations = 4e4;

/** What {@link runDispatches} tells after a submit. */
export interface SubmitReport {
  /** Part of the work that is done, 0 to 1. */
  readonly fraction: number;
  /** Floating-point operations of the submit. */
  readonly flops: number;
}

/**
 * Runs dispatches in order, in submits of moderate size, and waits for them.
 *
 * @param dispatches of built programs, which may take part more than once
 * @param signal stops after the current submit, with its reason
 */
export async function runDispatches(
  gpu: Gpu,
  label: string,
  dispatches: readonly BuiltDispatch[],
  signal?: AbortSignal,
  onSubmit?: (report: SubmitReport) => void,
): Promise<void> {
  const most = submitOperations[gpu.software ? "software" : "hardware"];
  const costs = dispatches.map(({ flops, workgroups: [x, y, z] }) =>
    flops + workgroupOperations * x * y * z
  );
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  let done = 0;
  for (let first = 0, end = 0; first < costs.length; first = end) {
    signal?.throwIfAborted();
    let cost = 0, flops = 0;
    while (end < costs.length && (end === first || cost + costs[end] <= most)) {
      flops += dispatches[end].flops;
      cost += costs[end++];
    }
    new Program(gpu, label, dispatches.slice(first, end), []).run();
    await Promise.race([gpu.device.queue.onSubmittedWorkDone(), gpu.lost]);
    throwDeviceErrors(gpu, `run "${label}"`);
    done += cost;
    onSubmit?.({ fraction: done / total, flops });
  }
}

/** Makes, runs and frees pieces; handed to the body of {@link runInPieces}. */
export class Pieces {
  readonly #alive = new Set<Tensor>();
  #done = 0;
  #flops = 0;

  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    readonly count: number,
    readonly options: PieceOptions,
  ) {}

  /** A tensor with its values, that lives until it is freed. */
  readonly upload = (label: string, shape: readonly number[], data: Float32Array): Tensor => {
    const tensor = createTensor(this.gpu, label, shape, { layout: "blocks", data });
    this.#alive.add(tensor);
    return tensor;
  };

  /**
   * Records one piece, runs it in submits of moderate size, waits for it, and frees all that it used but its outputs.
   *
   * @param record returns what the piece makes, and which tensors of it outlive the piece
   * @param share of one of `count` pieces that this one counts as
   */
  async run<T>(
    name: string,
    share: number,
    record: (plan: Plan) => { result: T; outputs: readonly Tensor[] },
  ): Promise<T> {
    const plan = new Plan(this.gpu, `${this.label}.${name}`, { inference: true });
    const { result, outputs } = record(plan);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    for (const tensor of outputs) {
      tensor.memory ??= {
        buffer: createBuffer(this.gpu, tensor.label, tensor.size * 4, usage),
        offset: 0,
      };
      this.#alive.add(tensor);
    }
    const program = await plan.build();
    try {
      await this.#execute(name, program, share);
    } finally {
      program.destroy();
    }
    this.#done += share;
    return result;
  }

  async #execute(name: string, { label, dispatches }: Program, share: number): Promise<void> {
    const { gpu, options } = this;
    await runDispatches(gpu, label, dispatches, options.signal, ({ fraction, flops }) => {
      this.#flops += flops;
      options.onProgress?.({
        piece: name,
        fraction: Math.min(1, (this.#done + share * fraction) / this.count),
        flops: this.#flops,
      });
    });
  }

  /** Frees tensors that a piece or {@link upload} made. */
  free(tensors: readonly Tensor[]): void {
    for (const tensor of tensors) {
      if (this.#alive.delete(tensor)) destroyTensor(this.gpu, tensor);
    }
  }

  /** Frees everything that is left. */
  destroy(): void {
    this.free([...this.#alive]);
  }
}

/**
 * Runs `body` with pieces of which `count` make up the whole; what its pieces made and it did not free, it returns to a
 * caller who frees it. When it throws, everything is freed.
 */
export async function runInPieces<T>(
  gpu: Gpu,
  label: string,
  count: number,
  options: PieceOptions,
  body: (pieces: Pieces) => Promise<T>,
): Promise<T> {
  const pieces = new Pieces(gpu, label, count, options);
  try {
    return await body(pieces);
  } catch (error) {
    pieces.destroy();
    throw error;
  }
}
