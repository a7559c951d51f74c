/**
 * Viewing: a trained model's scenes from other places at other times, edited, and the paths of what moves in them.
 *
 * Renders a path of the camera while time goes on:
 *
 * ```ts
 * import type { Scene } from "../data/mod.ts";
 * import { type ImageRenderer, pathViews } from "./mod.ts";
 *
 * async function orbit(renderer: ImageRenderer, scene: Scene) {
 *   const views = pathViews(scene, "novel", { views: 24 });
 *   return await Array.fromAsync(views, ({ camera, time }) => renderer.render(0, camera, time));
 * }
 * ```
 *
 * Edits it: the moving part stands still, mirrored, a little to the right, while the room goes on.
 *
 * ```ts
 * import type { Camera } from "../data/mod.ts";
 * import { flipForeground, freezeForegrounds, type ImageRenderer, moveForeground, unedited } from "./mod.ts";
 *
 * async function edited(renderer: ImageRenderer, camera: Camera) {
 *   const still = freezeForegrounds(unedited(0, 1.5), 0);
 *   return await renderer.renderEdit(moveForeground(flipForeground(still), [0.2, 0, 0]), camera);
 * }
 * ```
 *
 * Follows what moves three frames back and on, and draws the paths over the view:
 *
 * ```ts
 * import type { Camera } from "../data/mod.ts";
 * import { to8bit } from "../pictures/mod.ts";
 * import { type ImageRenderer, movingPixels, movingPoints, type PointTracker, trackPicture } from "./mod.ts";
 *
 * async function tracked(renderer: ImageRenderer, tracker: PointTracker, camera: Camera) {
 *   const view = await renderer.render(0, camera, 5);
 *   const points = movingPoints(view, camera, movingPixels(view, 64));
 *   const tracks = await tracker.track({ scene: 0, time: 5, points, before: 3, after: 3 });
 *   return trackPicture(to8bit(view.color), tracks, { camera, time: 5, frames: 3 });
 * }
 * ```
 *
 * @module
 */
export { dollyZoomPath, type PathOptions, translatingPath, zoomingPath } from "./camera_paths.ts";
export type { EncodedScenes } from "../nets/encoded_scenes.ts";
export { ImageRenderer, type ImageRendererOptions, type RenderedImage } from "./image_renderer.ts";
export { type LayerName, layerNames, layerPicture } from "./layers.ts";
export {
  type PathScene,
  pathViews,
  poseViews,
  resizedCamera,
  type SceneView,
  type ViewPathName,
  type ViewPathOptions,
} from "./paths.ts";
export { PointTracker, type PointTracks, trackPoints, type TrackRequest } from "./point_tracker.ts";
export {
  type BlendingRegion,
  blendRegion,
  flipForeground,
  type Foreground,
  freezeForegrounds,
  insertForeground,
  type Moment,
  moveForeground,
  placeForeground,
  type Placement,
  removeForegrounds,
  type SceneEdit,
  swapBackground,
  unedited,
} from "./scene_edit.ts";
export {
  movingPixels,
  movingPoints,
  type Pixel,
  trackPicture,
  type TrackView,
} from "./track_picture.ts";
