/**
 * Which pictures to render of a scene: paths of a camera through space and time, as plain values.
 *
 * @module
 */
import { averagePose, type Camera } from "../data/scene/camera.ts";
import type { Size } from "../data/scene/frames.ts";
import type { CameraPose } from "../data/given/poses_file.ts";
import { dollyZoomPath, translatingPath, zoomingPath } from "./camera_paths.ts";

/** A picture to render: what a camera sees of a scene at a time. */
export interface SceneView {
  /** The scene's name. */
  readonly scene: string;
  /** Its own in the path, in the order of the alphabet: `0007`, `time03-camera11`. */
  readonly name: string;
  /** Where it is seen from; its width and height are the picture's. */
  readonly camera: Camera;
  /** In frames from 0, also between frames. */
  readonly time: number;
}

/** What a path needs of a scene. */
export interface PathScene {
  /** The folder's own name. */
  readonly name: string;
  /** One a frame. */
  readonly cameras: readonly Camera[];
}

/** Options of {@linkcode pathViews}. */
export interface ViewPathOptions {
  /** How many views, where the path leaves it open. Default 60; 31 when zooming. */
  views?: number | undefined;
  /** The frame whose camera the path is about. Default: the average pose of all, with their mean focal length. */
  camera?: number | undefined;
  /** The time of paths on which time stands still, in frames. Default: the middle frame. */
  time?: number | undefined;
  /** Size of the pictures. Default: that of the frames. */
  size?: Size | undefined;
}

/** The name of a path. */
export type ViewPathName = "novel" | "time-only" | "view-only" | "grid" | "zoom" | "dolly";

/** A path. */
export interface ViewPath {
  /** What it shows, in a few words. */
  readonly about: string;
  /** Its views of a scene; see {@linkcode pathViews}. */
  readonly views: (scene: PathScene, options: ViewPathOptions) => SceneView[];
}

/** The paths, by name. */
export const viewPaths: Readonly<Record<ViewPathName, ViewPath>> = {
  novel: {
    about: "the camera goes around while time goes on",
    views: (scene, options) =>
      onTheWay(scene, translatingPath(reference(scene, options), excursion(scene, options))),
  },
  "time-only": {
    about: "the camera stands still, time goes on",
    views: (scene, options) => {
      const camera = reference(scene, options);
      return onTheWay(scene, Array.from({ length: options.views ?? 60 }, () => camera));
    },
  },
  "view-only": {
    about: "the camera goes around, time stands still",
    views: (scene, options) =>
      onTheWay(scene, translatingPath(reference(scene, options), excursion(scene, options)), {
        time: standstill(scene, options),
      }),
  },
  grid: {
    about: "each camera of the scene at the time of each frame",
    views: ({ name, cameras }, { size }) =>
      cameras.flatMap((_, time) =>
        cameras.map((camera, i) => ({
          scene: name,
          name: `time${two(time)}-camera${two(i)}`,
          camera: resizedCamera(camera, size),
          time,
        }))
      ),
  },
  zoom: {
    about: "the camera approaches, time stands still",
    views: (scene, options) =>
      onTheWay(scene, zoomingPath(reference(scene, options), excursion(scene, options)), {
        time: standstill(scene, options),
      }),
  },
  dolly: {
    about: "the camera approaches while its focal length falls, time stands still",
    views: (scene, options) => {
      const camera = reference(scene, options);
      const path = excursion(scene, options);
      if (path.dollyPixels >= camera.focalPixels) {
        throw new RangeError(
          `Cannot make a dolly zoom of "${scene.name}": its focal length of ${
            camera.focalPixels.toFixed(1)
          } pixels cannot fall by ${path.dollyPixels.toFixed(1)}; take zoom`,
        );
      }
      return onTheWay(scene, dollyZoomPath(camera, path), { time: standstill(scene, options) });
    },
  },
};

/**
 * The views of a path through a scene.
 *
 * The ellipse and the two zooms are the official ones (src/viewing/README.md#camera-paths) in proportion to the picture: their
 * 48 pixels of excursion and 200 of focal length are those of pictures 480 pixels wide.
 *
 * @throws {RangeError} If the scene has no such frame or time, or its focal length is too short for the dolly zoom.
 *
 * @example Go around while time goes on
 * ```ts
 * import { loadScene } from "../../mod.ts";
 * import { pathViews } from "./mod.ts";
 *
 * const scene = await loadScene("data/Balloon1");
 * for (const { name, camera, time } of pathViews(scene, "novel", { views: 24 })) {
 *   console.log(name, time, camera.cameraToWorld);
 * }
 * ```
 */
export function pathViews(
  scene: PathScene,
  path: ViewPathName,
  options: ViewPathOptions = {},
): SceneView[] {
  return viewPaths[path].views(scene, options);
}

/**
 * The views of given poses: a focal length is in pixels of the scene's own frames, and by default that of its first one.
 *
 * @throws {RangeError} If a time is outside of the scene.
 */
export function poseViews(
  scene: PathScene,
  poses: readonly CameraPose[],
  { size }: Pick<ViewPathOptions, "size"> = {},
): SceneView[] {
  return poses.map(({ cameraToWorld, focalPixels, time }, i) => {
    const own = scene.cameras[0];
    const camera = { ...own, cameraToWorld, focalPixels: focalPixels ?? own.focalPixels };
    checkTime(scene, time, ` in pose ${i}`);
    return { scene: scene.name, name: four(i), camera: resizedCamera(camera, size), time };
  });
}

/** The same view at another size of picture; other proportions cut it off, above and below or at the sides. */
export function resizedCamera(camera: Camera, size: Size = camera): Camera {
  const { width, height } = size;
  const scale = Math.max(width / camera.width, height / camera.height);
  return { ...camera, width, height, focalPixels: camera.focalPixels * scale };
}

/** Cameras as numbered views: at one time or, by default, spread over the scene's. */
function onTheWay(
  { name, cameras: { length: frames } }: PathScene,
  cameras: readonly Camera[],
  { time }: { time?: number } = {},
): SceneView[] {
  const step = (frames - 1) / Math.max(1, cameras.length - 1);
  return cameras.map((camera, i) => ({
    scene: name,
    name: four(i),
    camera,
    time: time ?? Math.min(i * step, frames - 1), // no rounding leads past the last frame
  }));
}

/** The camera that a path is about. */
function reference({ name, cameras }: PathScene, { camera, size }: ViewPathOptions): Camera {
  if (camera === undefined) {
    const focalPixels = cameras.reduce((sum, { focalPixels }) => sum + focalPixels, 0) /
      cameras.length;
    const average = { ...cameras[0], cameraToWorld: averagePose(cameras), focalPixels };
    return resizedCamera(average, size);
  }
  if (cameras[camera]) return resizedCamera(cameras[camera], size);
  throw new RangeError(
    `Cannot go around camera ${camera} of "${name}": it has cameras 0 to ${cameras.length - 1}`,
  );
}

/** How far paths go, in proportion to the picture. */
function excursion(scene: PathScene, { size, views }: ViewPathOptions) {
  const { width } = resizedCamera(scene.cameras[0], size);
  return {
    ...(views === undefined ? {} : { views, zoomViews: views }),
    excursionPixels: width * 48 / 480,
    dollyPixels: width * 200 / 480,
  };
}

function standstill(scene: PathScene, options: ViewPathOptions): number {
  const { time = Math.floor((scene.cameras.length - 1) / 2) } = options;
  checkTime(scene, time, "");
  return time;
}

function checkTime({ name, cameras }: PathScene, time: number, where: string): void {
  if (time >= 0 && time <= cameras.length - 1) return;
  throw new RangeError(
    `Cannot show "${name}" at time ${time}${where}: its frames are 0 to ${cameras.length - 1}`,
  );
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

function four(number: number): string {
  return String(number).padStart(4, "0");
}
