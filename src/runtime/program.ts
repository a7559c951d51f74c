/**
 * Programs: built plans, that run as often as wanted.
 *
 * @module
 */
import type { Gpu } from "./device.ts";
import { destroyBuffer, type Tensor } from "./tensor.ts";

/** A tensor's range as a bind group takes it. */
export function bindingOf(tensor: Tensor): GPUBufferBinding {
  const { buffer, offset } = memoryOf(tensor);
  return { buffer, offset, size: Math.min(Math.ceil(tensor.size / 4) * 16, buffer.size - offset) };
}

function memoryOf({ label, memory }: Tensor): NonNullable<Tensor["memory"]> {
  if (!memory) throw new Error(`Cannot bind or copy "${label}": it has no memory`);
  return memory;
}

/** A tensor whose memory is chosen before a run, and where it is bound. */
export interface LateEntry {
  readonly binding: number;
  readonly tensor: Tensor;
}

/** A dispatch of a built plan, ready to be encoded. */
export interface BuiltDispatch {
  readonly label: string;
  readonly flops: number;
  readonly pipeline: GPUComputePipeline;
  readonly workgroups: readonly [number, number, number];
  /** Where the workgroups are read instead, behind a gate. */
  readonly indirect?: { readonly buffer: GPUBuffer; readonly offset: number } | undefined;
  group?: GPUBindGroup;
  /** What a bind group with late tensors is made of, and the groups already made, by buffers. */
  readonly late?: {
    readonly layout: GPUBindGroupLayout;
    readonly entries: readonly GPUBindGroupEntry[];
    readonly tensors: readonly LateEntry[];
    readonly known: Map<string, GPUBindGroup>;
  };
}

const bufferNumbers = new WeakMap<GPUBuffer, number>();
let buffersNumbered = 0;

function numberOf(buffer: GPUBuffer): number {
  let number = bufferNumbers.get(buffer);
  if (number === undefined) bufferNumbers.set(buffer, number = buffersNumbered++);
  return number;
}

/** What {@link Program.run} copies after its dispatches. */
export interface TensorCopy {
  readonly from: Tensor;
  readonly to: Tensor;
  /** The number of `to` that the copy begins at. Default 0. */
  readonly at?: number;
  /** How many numbers, from the first one of `from`. Default all. */
  readonly size?: number;
}

/** Time and arithmetic of one dispatch, from {@link Program.profile}. */
export interface ProfileRow {
  readonly label: string;
  readonly milliseconds: number;
  readonly flops: number;
}

function encodeDispatch(pass: GPUComputePassEncoder, dispatch: BuiltDispatch): void {
  pass.setPipeline(dispatch.pipeline);
  pass.setBindGroup(0, dispatch.group!);
  if (dispatch.indirect) {
    pass.dispatchWorkgroupsIndirect(dispatch.indirect.buffer, dispatch.indirect.offset);
  } else pass.dispatchWorkgroups(...dispatch.workgroups);
}

/** A built plan: run it as often as wanted. */
export class Program {
  /** Floating-point operations of one run (a multiply-add is two), every gate open. */
  readonly flops: number;
  /** Bytes of the plan's own buffers: activations, gradients, uniforms. */
  readonly bytes: number;

  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    readonly dispatches: readonly BuiltDispatch[],
    readonly buffers: readonly GPUBuffer[],
  ) {
    this.flops = dispatches.reduce((sum, dispatch) => sum + dispatch.flops, 0);
    this.bytes = buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** Gives late tensors the memory of others for the runs to come; bind groups are made once for each choice. */
  bind(choices: ReadonlyMap<Tensor, Tensor>): void {
    for (const [tensor, chosen] of choices) tensor.memory = chosen.memory;
    for (const dispatch of this.dispatches) {
      if (!dispatch.late) continue;
      const { layout, entries, tensors, known } = dispatch.late;
      const key = tensors.map(({ tensor: { memory } }) =>
        memory && `${numberOf(memory.buffer)}+${memory.offset}`
      ).join();
      let group = known.get(key);
      if (!group) {
        group = this.gpu.device.createBindGroup({
          label: dispatch.label,
          layout,
          entries: [
            ...entries,
            ...tensors.map(({ binding, tensor }) => ({ binding, resource: bindingOf(tensor) })),
          ],
        });
        known.set(key, group);
      }
      dispatch.group = group;
    }
  }

  /** One run: one pass, then the copies, one submit, nothing awaited. */
  run(copies: readonly TensorCopy[] = []): void {
    const encoder = this.gpu.device.createCommandEncoder({ label: this.label });
    const pass = encoder.beginComputePass({ label: this.label });
    for (const dispatch of this.dispatches) {
      if (!dispatch.group) {
        throw new Error(`Cannot run "${dispatch.label}": bind its late tensors first`);
      }
      encodeDispatch(pass, dispatch);
    }
    pass.end();
    for (const { from, to, at = 0, size = from.size } of copies) {
      const source = memoryOf(from), target = memoryOf(to);
      const start = target.offset + 4 * at;
      encoder.copyBufferToBuffer(source.buffer, source.offset, target.buffer, start, 4 * size);
    }
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Runs once with a timestamp around every dispatch; a pass each, so the sum is above a plain run's time. */
  async profile(): Promise<ProfileRow[]> {
    const { device, timestamps } = this.gpu;
    if (!timestamps) {
      throw new Error(`Cannot profile "${this.label}": this adapter has no timestamp-query`);
    }
    const count = this.dispatches.length * 2;
    const batch = 4096; // queries a set holds at most
    const bytes = Math.ceil(count / batch) * batch * 8;
    const sets = Array.from(
      { length: Math.ceil(count / batch) },
      () => device.createQuerySet({ type: "timestamp", count: batch }),
    );
    const resolved = device.createBuffer({
      size: bytes,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    const staging = device.createBuffer({
      size: bytes,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    const encoder = device.createCommandEncoder({ label: `${this.label}: profile` });
    this.dispatches.forEach((dispatch, i) => {
      const querySet = sets[Math.floor((2 * i) / batch)];
      const at = (2 * i) % batch;
      const pass = encoder.beginComputePass({
        label: dispatch.label,
        timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
      });
      encodeDispatch(pass, dispatch);
      pass.end();
    });
    sets.forEach((set, i) => { // only those written: SwiftShader waits for the others for ever
      const written = Math.min(batch, count - i * batch);
      encoder.resolveQuerySet(set, 0, written, resolved, i * batch * 8);
    });
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.destroy();
    resolved.destroy();
    for (const set of sets) set.destroy();
    return this.dispatches.map(({ label, flops }, i) => ({
      label,
      flops,
      milliseconds: Number(times[2 * i + 1] - times[2 * i]) / 1e6,
    }));
  }

  /** Frees the plan's buffers; its activations can no longer be read. */
  destroy(): void {
    for (const buffer of this.buffers) destroyBuffer(this.gpu, buffer);
  }
}
