import { DataError } from "../../data_error.ts";
import { matchFrames } from "../../frame_matching.ts";
import {
  type DepthBounds,
  depthsSeen,
  entriesOfFrames,
  filmedFrames,
  type Frames,
  lensesOf,
  nearAndFar,
  type PosedFrame,
  type PosedFrames,
} from "../posed_frames.ts";
import { shown } from "../../shown.ts";
import { type ColmapCamera, type ColmapImage, type ColmapModel, NO_POINT } from "./model.ts";

/**
 * The cameras of a scene's frames, from a COLMAP model; its other images are left out.
 *
 * Near and far are the 5th and 95th percentile of the depths `(R X + t)_z` of the points at an image's keypoints, or where it
 * has none of all points that lie in its picture; points behind the camera do not count.
 *
 * @param frames Names of the frames' images, `000.png` (an image may be called `000.jpg` for it), or how they were filmed.
 * @param bounds Near and far in place of these.
 * @param path Where the model came from, for messages.
 * @throws {DataError} If the model lacks a frame, or an image sees no points and near and far are not given.
 */
export function colmapPoses(
  model: ColmapModel,
  frames: Frames,
  bounds: DepthBounds = {},
  path: string = "images",
): PosedFrames {
  const filmed = filmedFrames(frames);
  const images = entriesOfFrames(filmed, model.images, ({ name }) => name, path);
  const cameras = images.map(({ cameraId }) => model.cameras.find(({ id }) => id === cameraId)!);
  const { camera, own } = lensesOf(cameras);
  return {
    source: "COLMAP model",
    camera,
    focalPixels: camera.parameters[0],
    width: camera.width,
    height: camera.height,
    frames: images.map((image, frame) => {
      const posed = posedFrame(filmed.sources[frame], image, cameras[frame], model, bounds);
      return own[frame] ? { ...posed, lens: own[frame] } : posed;
    }),
  };
}

/** The frames that a model lacks, as {@linkcode colmapPoses} would say; none where it can be used. */
export function unregisteredFrames(model: ColmapModel, frameNames: readonly string[]): string[] {
  const names = model.images.map(({ name }) => name);
  const { entries } = matchFrames(names, filmedFrames(frameNames), { path: "images" });
  return frameNames.filter((_, frame) => entries[frame] === undefined);
}

function posedFrame(
  name: string,
  image: ColmapImage,
  camera: ColmapCamera,
  { points }: ColmapModel,
  bounds: DepthBounds,
): PosedFrame {
  const { rotation: R, translation: t, pointIds } = image;
  // Rows of R are the camera's right, down and forward axes; its centre is −Rᵀ t.
  const cameraToWorld = Float64Array.from([0, 1, 2].flatMap((row) => {
    const [right, down, forward] = [R[row], R[3 + row], R[6 + row]];
    return [right, -down, -forward, -(right * t[0] + down * t[1] + forward * t[2])];
  }));
  const { near, far } = bounds;
  if (near !== undefined && far !== undefined) return { name, cameraToWorld, near, far };
  const seen: number[] = [];
  for (const id of pointIds) {
    const point = id === NO_POINT ? undefined : points.get(id);
    if (!point) continue;
    const [x, y, z] = point.position;
    const depth = R[6] * x + R[7] * y + R[8] * z + t[2];
    if (depth > 0) seen.push(depth);
  }
  const hasTrack = pointIds.some((id) => id !== NO_POINT);
  const depths = hasTrack ? seen : depthsSeen(
    Float64Array.from([...points.values()].flatMap(({ position }) => [...position])),
    camera,
    cameraToWorld,
  );
  const found = { ...nearAndFar(depths), ...bounds };
  if (found.far > found.near) return { name, cameraToWorld, ...found };
  const what = depths.length === 0 ? "no point" : `${depths.length} points of one depth`;
  throw new DataError(
    `Cannot pose the frames: image "${
      shown(image.name)
    }" sees ${what} in front of it, so that it ` +
      `has no near and far; give both (--near and --far), leave this frame out, or mask less of it`,
  );
}
