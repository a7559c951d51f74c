/**
 * Points of a picture's space in the space of a moving part that is shown elsewhere than it was filmed.
 *
 * @module
 */
import text from "../../wgsl/viewing/place_points.wgsl" with { type: "text" };
import type { Camera } from "../data/scene/camera.ts";
import { column, dot, type Vector3 } from "../data/vectors.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { ndcExtent } from "../data/scene/ndc.ts";
import type { Placement } from "./scene_edit.ts";

const kernel = defineKernel("wgsl/viewing/place_points.wgsl", text);

/**
 * Records points taken from one NDC to another by an affine map of the world (see {@link ndcPlacement}).
 *
 * What comes to lie behind the plane that NDC begins at has z < −1. For inference only.
 *
 * @param points `(scenes, points, 3)` in blocks, NDC
 * @param placements `(scenes, 4, 4)` in rows: {@link ndcPlacement}, and whether {@link hideUnseen} hides
 * @returns `(scenes, points, 3)` in blocks, NDC
 */
export function placePoints(
  plan: Plan,
  label: string,
  points: Tensor,
  placements: Tensor,
): Tensor {
  const op = new Operation(plan, "placePoints", label, kernel);
  const shape = op.expect({ points }, "blocks", ["scenes", "points", 3]);
  const [scenes, count] = shape;
  op.expect({ placements }, "rows", [scenes, 4, 4]);
  op.expectFrozen({ points, placements });
  const placed = op.output(shape, "blocks", [points, placements]);
  const dims = { points: count };
  op.run("forward", { points, placements, placed, dims }, [scenes * blocksOf(count)]);
  return placed;
}

/**
 * Records blending that is −1 where a placed point is outside of the picture that its camera took: a field says anything there.
 * For inference only.
 *
 * @param blending `(scenes, points, 1)` in blocks
 * @param points {@link placePoints}
 * @param cameras `(scenes, 3, 16)` in rows; the current slot's took the picture
 */
export function hideUnseen(
  plan: Plan,
  label: string,
  blending: Tensor,
  points: Tensor,
  cameras: Tensor,
  placements: Tensor,
): Tensor {
  const op = new Operation(plan, "hideUnseen", label, kernel);
  const shape = op.expect({ blending }, "blocks", ["scenes", "points", 1]);
  const [scenes, count] = shape;
  op.expect({ points }, "blocks", [scenes, count, 3]);
  op.expect({ cameras }, "rows", [scenes, 3, 16]);
  op.expect({ placements }, "rows", [scenes, 4, 4]);
  op.expectFrozen({ blending, points, cameras, placements });
  const hidden = op.output(shape, "blocks", [blending, points, cameras, placements]);
  const bindings = { points, placements, cameras, blending, hidden, dims: { points: count } };
  op.run("hide", bindings, [scenes * blocksOf(count)]);
  return hidden;
}

/**
 * An affine map of the world `[A | b]` as one of NDC, `(3, 4)`: with `e = (W, H)/(2f)`, the world's point of the NDC point p is
 * `q/s`, `q = (e p_xy, −1)`, `s = (1 − p_z)/2`, so its image is `(A q + s b)/s`. The rows give, of `(p_x, p_y, 1, s)`, the
 * image's x and y in the other NDC and its depth by s, all three to be divided by the last.
 *
 * @param from a camera whose focal length spans the NDC of the points
 * @param to one that spans the NDC they are taken to
 */
export function ndcPlacement([...a]: Placement, from: Camera, to: Camera): Float32Array {
  const [fromX, fromY] = ndcExtent(from), [toX, toY] = ndcExtent(to);
  return Float32Array.of(
    ...[a[0] * fromX / toX, a[1] * fromY / toX, -a[2] / toX, a[3] / toX],
    ...[a[4] * fromX / toY, a[5] * fromY / toY, -a[6] / toY, a[7] / toY],
    ...[-a[8] * fromX, -a[9] * fromY, a[10], -a[11]],
  );
}

/**
 * A camera as it stands in the world of what is placed: it sees there what the camera sees of it here.
 *
 * `Rᵀ(A x + b − o) = (Aᵀ R)ᵀ(x − A⁻¹(o − b))`; where A mirrors, so does the camera.
 */
export function placedCamera(camera: Camera, placement: Placement, inverse: Placement): Camera {
  const { cameraToWorld: pose } = camera;
  const row = (i: number): Vector3 => [inverse[4 * i], inverse[4 * i + 1], inverse[4 * i + 2]];
  const centre = column(pose, 3);
  return {
    ...camera,
    cameraToWorld: Float32Array.from([0, 1, 2].flatMap((i) => [
      ...[0, 1, 2].map((axis) => dot(column(placement, i), column(pose, axis))),
      dot(row(i), centre) + inverse[4 * i + 3],
    ])),
  };
}
