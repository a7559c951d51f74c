/**
 * WGSL that kernels share, by the name that a kernel's line `// uses common/x.wgsl` gives.
 *
 * @module
 */
import activations from "../../wgsl/common/activations.wgsl" with { type: "text" };
import camera from "../../wgsl/common/camera.wgsl" with { type: "text" };
import gradients from "../../wgsl/common/gradients.wgsl" with { type: "text" };
import ndc from "../../wgsl/common/ndc.wgsl" with { type: "text" };
import points from "../../wgsl/common/points.wgsl" with { type: "text" };
import products from "../../wgsl/common/products.wgsl" with { type: "text" };
import random from "../../wgsl/common/random.wgsl" with { type: "text" };
import rayMaps from "../../wgsl/common/ray_maps.wgsl" with { type: "text" };
import raySamples from "../../wgsl/common/ray_samples.wgsl" with { type: "text" };
import sincos from "../../wgsl/common/sincos.wgsl" with { type: "text" };
import step from "../../wgsl/common/step.wgsl" with { type: "text" };
import sumLanes from "../../wgsl/common/sum_lanes.wgsl" with { type: "text" };
import sumRows from "../../wgsl/common/sum_rows.wgsl" with { type: "text" };

/** The texts of `wgsl/common/`. */
export const snippets: ReadonlyMap<string, string> = new Map(Object.entries({
  "common/activations.wgsl": activations,
  "common/camera.wgsl": camera,
  "common/gradients.wgsl": gradients,
  "common/ndc.wgsl": ndc,
  "common/points.wgsl": points,
  "common/products.wgsl": products,
  "common/random.wgsl": random,
  "common/ray_maps.wgsl": rayMaps,
  "common/ray_samples.wgsl": raySamples,
  "common/sincos.wgsl": sincos,
  "common/step.wgsl": step,
  "common/sum_lanes.wgsl": sumLanes,
  "common/sum_rows.wgsl": sumRows,
}));
