import { DataError } from "../../data_error.ts";
import {
  entriesOfFrames,
  nearAndFar,
  type PosedFrame,
  type PosedFrames,
  someNames,
} from "../posed_frames.ts";
import { shown } from "../../shown.ts";
import { type ColmapCamera, type ColmapImage, type ColmapModel, NO_POINT } from "./model.ts";

/**
 * The cameras of a scene's frames, from a COLMAP model; its other images are left out.
 *
 * Near and far are the 5th and 95th percentile of the depths `(R X + t)_z` of the points at an image's keypoints; points
 * behind the camera do not count.
 *
 * @param frameNames The frames, `000.png`; an image may be called `000.jpg` for it.
 * @throws {DataError} If the model lacks a frame, an image sees no points, or the frames were taken by several cameras.
 */
export function colmapPoses(model: ColmapModel, frameNames: readonly string[]): PosedFrames {
  const found = entriesOfFrames(frameNames, model.images, ({ name }) => name, "images");
  const images = found.filter((image) => image !== undefined);
  if (images.length < frameNames.length || images.length === 0) {
    const missing = frameNames.filter((_, frame) => found[frame] === undefined);
    throw new DataError(
      `Cannot pose the frames: COLMAP registered ${images.length} of ${frameNames.length}, without ` +
        `${
          someNames(missing)
        }; leave these out of the frames, or mask what moves, or film with more ` +
        `overlap and texture and with a camera that moves sideways`,
    );
  }
  const camera = sharedCamera(model, images);
  return {
    source: "COLMAP model",
    camera,
    focalPixels: camera.parameters[0],
    width: camera.width,
    height: camera.height,
    frames: images.map((image, frame) => posedFrame(frameNames[frame], image, model)),
  };
}

/** The frames that a model lacks, as {@linkcode colmapPoses} would say; none where it can be used. */
export function unregisteredFrames(model: ColmapModel, frameNames: readonly string[]): string[] {
  const found = entriesOfFrames(frameNames, model.images, ({ name }) => name, "images");
  return frameNames.filter((_, frame) => found[frame] === undefined);
}

function sharedCamera(model: ColmapModel, images: ColmapImage[]): ColmapCamera {
  const ids = [...new Set(images.map(({ cameraId }) => cameraId))];
  if (ids.length > 1) {
    throw new DataError(
      `Cannot pose the frames: COLMAP took them for pictures of ${ids.length} cameras, wanted one; ` +
        `run its feature_extractor with --ImageReader.single_camera 1`,
    );
  }
  return model.cameras.find(({ id }) => id === ids[0])!;
}

function posedFrame(name: string, image: ColmapImage, { points }: ColmapModel): PosedFrame {
  const { rotation: R, translation: t, pointIds } = image;
  const depths: number[] = [];
  for (const id of pointIds) {
    const point = id === NO_POINT ? undefined : points.get(id);
    if (!point) continue;
    const [x, y, z] = point.position;
    const depth = R[6] * x + R[7] * y + R[8] * z + t[2];
    if (depth > 0) depths.push(depth);
  }
  const { near, far } = nearAndFar(depths);
  if (!(far > near)) {
    const found = depths.length === 0 ? "no point" : `${depths.length} points of one depth`;
    throw new DataError(
      `Cannot pose the frames: image "${
        shown(image.name)
      }" sees ${found} in front of it, so that it ` +
        `has no near and far; leave this frame out, or mask less of it`,
    );
  }
  // Rows of R are the camera's right, down and forward axes; its centre is −Rᵀ t.
  const cameraToWorld = Float64Array.from([0, 1, 2].flatMap((row) => {
    const [right, down, forward] = [R[row], R[3 + row], R[6 + row]];
    return [right, -down, -forward, -(right * t[0] + down * t[1] + forward * t[2])];
  }));
  return { name, cameraToWorld, near, far };
}
