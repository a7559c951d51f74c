/**
 * The device: one WebGPU adapter opened with the limits it has, and what people want to know of it.
 *
 * @module
 */

/** A WebGPU device ready for work, with the facts that choose kernels. */
export interface Gpu {
  /** The opened device. */
  readonly device: GPUDevice;
  /** What it runs on, in words: `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly description: string;
  /** True on software drivers: kernels without barriers and with register tiles win there. */
  readonly software: boolean;
  /** Whether passes can be timed (`timestamp-query`). */
  readonly timestamps: boolean;
  /** Compute pipelines by kernel, entry point and constants; filled by {@link Plan.build}. */
  readonly pipelines: Map<string, Promise<GPUComputePipeline>>;
  /** WGSL modules by path. */
  readonly modules: Map<string, Promise<GPUShaderModule>>;
  /** Rejects, naming the reason, when the device is lost for another reason than `destroy()`. */
  readonly lost: Promise<never>;
  /** Errors that no scope caught, oldest first (out of memory, validation). */
  readonly errors: string[];
  /** Bytes of the buffers now alive. */
  allocatedBytes: number;
  /** The largest value that `allocatedBytes` has had. */
  peakBytes: number;
}

/** Options of {@link openGpu}. */
export interface GpuOptions {
  /** `high-performance` (default) or `low-power`. */
  powerPreference?: GPUPowerPreference;
}

const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxUniformBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/**
 * Opens the machine's WebGPU adapter with every limit that it offers.
 *
 * @throws when the platform has no WebGPU or no adapter; the message says how to get one.
 *
 * @example Open the adapter there is, and say which
 * ```ts
 * import { openGpu } from "../../mod.ts";
 *
 * const gpu = await openGpu();
 * console.log(gpu.description, gpu.software ? "in software" : "");
 * ```
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) {
    throw new Error(
      "Cannot open a GPU: this platform has no navigator.gpu; use Deno 2.9 or later, or a browser with WebGPU",
    );
  }
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference ?? "high-performance",
  });
  if (!adapter) {
    throw new Error(
      "Cannot open a GPU: no WebGPU adapter was found; install a GPU driver or Debian's software driver with " +
        "`apt-get install mesa-vulkan-drivers libvulkan1`",
    );
  }
  const requiredLimits: Record<string, number> = {};
  for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
  const timestamps = adapter.features.has("timestamp-query");
  const device = await adapter.requestDevice({
    label: "mononerf",
    requiredLimits,
    requiredFeatures: timestamps ? ["timestamp-query"] : [],
  });
  const errors: string[] = [];
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    errors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  const lost = device.lost.then(({ reason, message }): never => {
    throw new Error(`The GPU was lost (${reason}): ${message}`);
  });
  lost.catch(() => {}); // whoever waits on it sees the rejection; nobody need wait
  const info = adapter.info;
  return {
    device,
    description: info.description || info.device || info.vendor || "unnamed adapter",
    software: info.isFallbackAdapter ||
      /llvmpipe|swiftshader|software/i.test(`${info.description} ${info.device}`),
    timestamps,
    pipelines: new Map(),
    modules: new Map(),
    lost,
    errors,
    allocatedBytes: 0,
    peakBytes: 0,
  };
}

/** Throws the first error that the device reported outside any scope, and forgets the rest. */
export function throwDeviceErrors(gpu: Gpu, action: string): void {
  if (gpu.errors.length === 0) return;
  const [first] = gpu.errors.splice(0);
  const memory = /memory/i.test(first)
    ? "; fewer rays, fewer samples or a smaller preset need less memory"
    : "";
  throw new Error(`Cannot ${action}: ${first}${memory}`);
}
