/**
 * From a plan's list to a program: memory, pipelines, uniform blocks, bind groups.
 *
 * @module
 */
import { type Gpu, throwDeviceErrors } from "./device.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Gate } from "./gate.ts";
import { pipeline } from "./kernel.ts";
import { livesOf, place } from "./placement.ts";
import { bindingOf, type BuiltDispatch, type LateEntry, Program } from "./program.ts";
import { createBuffer, isTensor, type Tensor } from "./tensor.ts";
import { packUniforms, type Uniform, type UniformSlot } from "./uniforms.ts";

/** What a program is built of. */
export interface Recording {
  readonly dispatches: readonly Dispatch[];
  /** Activations that are read after a run. */
  readonly kept: ReadonlySet<Tensor>;
  /** Tensors whose memory is chosen before a run. */
  readonly late: ReadonlySet<Tensor>;
  /** Parts of activations: numbers from an offset. */
  readonly ranges: ReadonlyMap<Tensor, { readonly whole: Tensor; readonly offset: number }>;
  readonly gates: readonly Gate[];
}

/** Shares memory, compiles every pipeline, makes the bind groups. */
export async function buildProgram(
  gpu: Gpu,
  label: string,
  recording: Recording,
): Promise<Program> {
  const { dispatches, late, gates } = recording;
  const places = dispatches.map(({ gate, workgroups: [x, y = 1, z = 1] }) =>
    gate && { buffer: gate.args, offset: gate.offsetOf([x, y, z]) }
  );
  const tables = gates.flatMap((gate) => gate.place(gpu));
  const activations = placeActivations(gpu, label, recording);
  const pipelines = await Promise.all(
    dispatches.map(({ kernel, entry, constants }) => pipeline(gpu, kernel, entry, constants)),
  );
  const { buffer: uniforms, slots } = writeUniforms(gpu, label, dispatches);
  gpu.device.pushErrorScope("validation");
  const built = dispatches.map((dispatch, i): BuiltDispatch => {
    const lateEntries: LateEntry[] = [];
    const entries: GPUBindGroupEntry[] = [];
    for (const [name, value] of Object.entries(dispatch.bindings)) {
      const binding = dispatch.kernel.bindings.get(name)!.index;
      if (!isTensor(value)) {
        entries.push({ binding, resource: { buffer: uniforms!, ...slots.get(value)! } });
      } else if (late.has(value)) {
        lateEntries.push({ binding, tensor: value });
      } else {
        entries.push({ binding, resource: bindingOf(value) });
      }
    }
    const [x, y = 1, z = 1] = dispatch.workgroups;
    const { label, flops = 0 } = dispatch;
    const layout = pipelines[i].getBindGroupLayout(0);
    const place = places[i];
    const common = {
      label,
      flops,
      pipeline: pipelines[i],
      workgroups: [x, y, z] as const,
      indirect: place && { buffer: place.buffer.memory!.buffer, offset: place.offset },
    };
    if (lateEntries.length) {
      return { ...common, late: { layout, entries, tensors: lateEntries, known: new Map() } };
    }
    return { ...common, group: gpu.device.createBindGroup({ label, layout, entries }) };
  });
  const error = await gpu.device.popErrorScope();
  if (error) throw new Error(`Cannot build the plan "${label}": ${error.message}`);
  throwDeviceErrors(gpu, `build the plan "${label}"`);
  const buffers = [...activations, ...tables, ...uniforms ? [uniforms] : []];
  return new Program(gpu, label, built, buffers);
}

/** Gives activations their memory; returns the buffers. */
function placeActivations(
  gpu: Gpu,
  label: string,
  { dispatches, kept, late, ranges }: Recording,
): GPUBuffer[] {
  const touched = dispatches.map(({ bindings }): Tensor[] =>
    Object.values(bindings).filter((bound): bound is Tensor => isTensor(bound))
      .map((bound) => ranges.get(bound)?.whole ?? bound)
      .filter((tensor) => !tensor.memory && !late.has(tensor))
  );
  const tenants = [...livesOf<Tensor>(touched)].map(([tensor, life]) => ({
    ...(kept.has(tensor) ? { first: 0, last: Infinity } : life),
    size: tensor.size,
    tensor,
  }));
  const { pools, poolOf } = place(tenants);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = pools.map(({ size, tenants: [{ tensor }] }) =>
    createBuffer(gpu, `${label}: ${tensor.label}`, size * 4, usage)
  );
  for (const [{ tensor }, at] of poolOf) tensor.memory = { buffer: buffers[at], offset: 0 };
  for (const [range, { whole, offset }] of ranges) {
    if (whole.memory) {
      range.memory = { buffer: whole.memory.buffer, offset: whole.memory.offset + 4 * offset };
    }
  }
  return buffers;
}

/** Writes all uniform blocks into one buffer. */
function writeUniforms(
  gpu: Gpu,
  label: string,
  dispatches: readonly Dispatch[],
): { readonly buffer?: GPUBuffer; readonly slots: ReadonlyMap<Uniform, UniformSlot> } {
  const uses = dispatches.flatMap(({ kernel, bindings }) =>
    Object.entries(bindings).flatMap(([name, values]) =>
      isTensor(values) ? [] : [{ kernel, name, values }]
    )
  );
  const { limits, queue } = gpu.device;
  const { bytes, slots } = packUniforms(uses, limits.minUniformBufferOffsetAlignment);
  if (bytes.length === 0) return { slots };
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const buffer = createBuffer(gpu, `${label}: uniforms`, bytes.length, usage);
  queue.writeBuffer(buffer, 0, bytes);
  return { buffer, slots };
}
