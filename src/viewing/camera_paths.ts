/**
 * Cameras on a path about another one: an ellipse, an approach, a dolly zoom.
 *
 * @module
 */
import type { Camera } from "../data/scene/camera.ts";
import { composed } from "../data/vectors.ts";

/** How far a path around a reference camera goes. */
export interface PathOptions {
  /** Cameras of the translating path; default 60. */
  views?: number;
  /** Cameras of the zooming paths; default 31. */
  zoomViews?: number;
  /** Sideways excursion, in pixels at distance 1; default 48. */
  excursionPixels?: number;
  /** Loss of focal length at the end of the dolly zoom, in pixels; default 200. */
  dollyPixels?: number;
}

/**
 * Cameras on an ellipse about a reference: `ref · T⁻¹`, where T moves by
 * `(d sin φ, 0.33 d (cos φ − 1), 0)`, φ = 2πi/views, d = 48/focal.
 */
export function translatingPath(reference: Camera, options: PathOptions = {}): Camera[] {
  const { views = 60, excursionPixels = 48 } = options;
  const distance = excursionPixels / reference.focalPixels;
  return Array.from({ length: views }, (_, i) => {
    const angle = 2 * Math.PI * i / views;
    return moved(
      reference,
      distance * Math.sin(angle),
      distance * (Math.cos(angle) - 1) * 0.33,
      0,
    );
  });
}

/** Cameras that approach: `ref · T⁻¹`, where T moves z by `5 d i / (zoomViews − 1)`, d = 48/focal. */
export function zoomingPath(reference: Camera, options: PathOptions = {}): Camera[] {
  const { zoomViews = 31, excursionPixels = 48 } = options;
  const distance = excursionPixels / reference.focalPixels;
  return Array.from(
    { length: zoomViews },
    (_, i) => moved(reference, 0, 0, distance * 5 * i / Math.max(1, zoomViews - 1)),
  );
}

/** {@linkcode zoomingPath} with the focal lowered step by step, in all by `dollyPixels`. */
export function dollyZoomPath(reference: Camera, options: PathOptions = {}): Camera[] {
  const { dollyPixels = 200 } = options;
  return zoomingPath(reference, options).map((camera, i, all) => ({
    ...camera,
    focalPixels: reference.focalPixels - dollyPixels * i / Math.max(1, all.length - 1),
  }));
}

/** `camera · T⁻¹`, with T a translation: the camera moves against it, along its own axes. */
function moved(camera: Camera, x: number, y: number, z: number): Camera {
  const back = Float64Array.of(1, 0, 0, -x, 0, 1, 0, -y, 0, 0, 1, -z);
  const pose = composed(Float64Array.from(camera.cameraToWorld), back);
  return { ...camera, cameraToWorld: Float32Array.from(pose) };
}
