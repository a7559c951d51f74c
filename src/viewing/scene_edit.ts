/**
 * Scene editing: what a picture shows of which scene, as plain values.
 *
 * A picture has one background, which is the static field of a scene, and any number of foregrounds, which are the dynamic
 * fields of scenes. A plain picture is one of each, of one scene at one time; each function below makes an edited one of it, which
 * `ImageRenderer.renderEdit` renders:
 *
 * ```ts
 * import { flipForeground, swapBackground, unedited } from "./mod.ts";
 *
 * const edit = flipForeground(swapBackground(unedited(0, 5.5), { scene: 1, time: 5 }));
 * ```
 *
 * @module
 */
import { cross, dot, type Vector3 } from "../data/vectors.ts";

/** A scene at a time. */
export interface Moment {
  /** Number of the scene in the batch. */
  readonly scene: number;
  /** In frames from 0, also between frames. */
  readonly time: number;
}

/**
 * Where a moving part is shown: 3×4 row-major `[A | b]`, which takes its world to that of the picture, `x ↦ A x + b`.
 * A may turn, mirror or scale; it is invertible.
 */
export type Placement = readonly number[];

/** The moving part of a scene. */
export interface Foreground extends Moment {
  /** Where it is shown, by default where it was filmed. */
  readonly placement?: Placement;
}

/** A box in the picture's world in which the foregrounds have a blending that is given. */
export interface BlendingRegion {
  /**
   * The corner of smallest coordinates. Cameras look along −z from about the origin; everything lies beyond z = −1, and what is
   * infinitely far at distance 10⁶.
   */
  readonly min: Vector3;
  /** The corner of largest coordinates. */
  readonly max: Vector3;
  /** b in 0…1: 0 hides the moving parts, 1 the static one. */
  readonly blending: number;
}

/** What is shown of which scene. */
export interface SceneEdit {
  /** The static field. Its scene spans the space that rays are sampled in. */
  readonly background: Moment;
  /** The dynamic fields. */
  readonly foregrounds: readonly Foreground[];
  /** Where blending is given; a later region counts more than an earlier one. At most 8. */
  readonly regions?: readonly BlendingRegion[];
}

/** Regions that an edit has at most. */
export const maxRegions = 8;

/** A scene as it is. */
export function unedited(scene: number, time: number): SceneEdit {
  return { background: { scene, time }, foregrounds: [{ scene, time }] };
}

/** The foregrounds in front of another background: that of another scene, or of another time. */
export function swapBackground(edit: SceneEdit, background: Moment): SceneEdit {
  return { ...edit, background };
}

/** The background alone. */
export function removeForegrounds(edit: SceneEdit): SceneEdit {
  return { ...edit, foregrounds: [] };
}

/** The foregrounds as they are at one time, while the background's goes on. */
export function freezeForegrounds(edit: SceneEdit, time: number): SceneEdit {
  return { ...edit, foregrounds: edit.foregrounds.map((each) => ({ ...each, time })) };
}

/** One more foreground, the last one from now on. */
export function insertForeground(edit: SceneEdit, foreground: Foreground): SceneEdit {
  return { ...edit, foregrounds: [...edit.foregrounds, foreground] };
}

/**
 * A foreground moved in the picture's world: x right, y up, z towards the average camera, in units of the scene.
 *
 * @param which number of the foreground; by default the last one
 * @throws {RangeError} If there is no such foreground.
 */
export function moveForeground(edit: SceneEdit, by: Vector3, which?: number): SceneEdit {
  return placeForeground(edit, [1, 0, 0, by[0], 0, 1, 0, by[1], 0, 0, 1, by[2]], which);
}

/**
 * A foreground mirrored left to right, in the plane x = 0 of the picture's world, which the average camera stands in.
 *
 * @param which number of the foreground; by default the last one
 * @throws {RangeError} If there is no such foreground.
 */
export function flipForeground(edit: SceneEdit, which?: number): SceneEdit {
  return placeForeground(edit, [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], which);
}

/**
 * A foreground taken from where it is shown to elsewhere.
 *
 * @param by 3×4 row-major `[A | b]`
 * @param which number of the foreground; by default the last one
 * @throws {RangeError} If there is no such foreground.
 */
export function placeForeground(
  edit: SceneEdit,
  by: Placement,
  which = edit.foregrounds.length - 1,
): SceneEdit {
  const { foregrounds } = edit;
  if (!foregrounds[which]) {
    throw new RangeError(
      foregrounds.length === 0
        ? "Cannot place a foreground: the edit has none; insert one first"
        : `Cannot place foreground ${which}: the edit has 0 to ${foregrounds.length - 1}`,
    );
  }
  const placed = (each: Foreground) => ({
    ...each,
    placement: each.placement ? compose(by, each.placement) : by,
  });
  return { ...edit, foregrounds: foregrounds.map((each, i) => i === which ? placed(each) : each) };
}

/** Gives the foregrounds a blending in a box. */
export function blendRegion(edit: SceneEdit, region: BlendingRegion): SceneEdit {
  return { ...edit, regions: [...edit.regions ?? [], region] };
}

/** `a ∘ b`, of affine maps 3×4. */
function compose(a: Placement, b: Placement): Placement {
  return Array.from({ length: 12 }, (_, i) => {
    const row = i - i % 4, column = i % 4;
    const sum = [0, 1, 2].reduce((sum, k) => sum + a[row + k] * b[4 * k + column], 0);
    return column === 3 ? sum + a[row + 3] : sum;
  });
}

/**
 * The inverse of a placement, `[A⁻¹ | −A⁻¹ b]`.
 *
 * @throws {RangeError} If it has none, or is no list of 12 numbers.
 */
export function inversePlacement(placement: Placement): Placement {
  const row = (
    i: number,
  ): Vector3 => [placement[4 * i], placement[4 * i + 1], placement[4 * i + 2]];
  const [r0, r1, r2] = [row(0), row(1), row(2)];
  const columns = [cross(r1, r2), cross(r2, r0), cross(r0, r1)]; // of A⁻¹ · det A
  const determinant = dot(r0, columns[0]);
  const wellFormed = placement.length === 12 && placement.every(Number.isFinite);
  if (!wellFormed || Math.abs(determinant) < 1e-12) {
    throw new RangeError(
      `Cannot place a foreground by [${
        placement.join(", ")
      }]: wanted an invertible 3x4 matrix, row by row`,
    );
  }
  const offset: Vector3 = [placement[3], placement[7], placement[11]];
  return [0, 1, 2].flatMap((i) => {
    const inverse: Vector3 = [columns[0][i], columns[1][i], columns[2][i]];
    return [...inverse, -dot(inverse, offset)].map((value) => value / determinant);
  });
}
