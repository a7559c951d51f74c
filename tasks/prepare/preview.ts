/**
 * Pictures of a prepared scene, for people.
 *
 * @module
 */
import { basename, join } from "node:path";
import { writeFileAtomically } from "../../src/data/files.ts";
import { encodePng } from "../../src/data/formats/png.ts";
import { encodeMask, readDisparity, readFlow, readMask } from "../../src/data/scene/scene_files.ts";
import { disparityPicture, flowWheelPicture } from "../../src/pictures/preparation_pictures.ts";
import {
  preparationPreview,
  previewFrames,
  type PreviewRow,
} from "../../src/preparation/preview.ts";
import { frameName } from "./frames.ts";
import type { Done, Json } from "./preparation_folder.ts";
import { readFrame, type Work } from "./work.ts";

/** The scene's parts. */
export interface SceneParts {
  images: Done<Json>;
  depth: Done<Json>;
  flow: Done<Json>;
  masks: Done<Json>;
}

/** Writes `preview.png`: a few frames with depth, flow and mask beside them. */
export async function writePreview(work: Work, parts: SceneParts): Promise<Done<Json>> {
  const { images, depth, flow, masks } = parts;
  return await work.folder.file<Json>({
    name: "preview",
    output: "preview.png",
    from: {
      images: images.sha256,
      depth: depth.sha256,
      flow: flow.sha256,
      masks: masks.sha256,
    },
  }, async () => {
    const frames = work.frames.info.sources.length;
    const rows = await Promise.all(
      previewFrames(frames).map((number) => previewRow(work, parts, number)),
    );
    const title = basename(work.folder.directory);
    const subtitle = `${frames} frames, from "${basename(work.command.input)}"`;
    return { bytes: encodePng(preparationPreview(rows, { title, subtitle })), info: null };
  });
}

async function previewRow(
  { frames }: Work,
  { images, depth, flow, masks }: SceneParts,
  number: number,
): Promise<PreviewRow> {
  const isLast = number === frames.info.sources.length - 1; // which has flow to the one before alone
  const flowName = frameName(number, isLast ? "_bwd.npz" : "_fwd.npz");
  return {
    name: frameName(number),
    image: await readFrame(images, number),
    inverseDepth: await readDisparity(join(depth.path, frameName(number, ".npy"))),
    ...await readFlow(join(flow.path, flowName)),
    mask: await readMask(join(masks.path, frameName(number))),
  };
}

/** Writes `disp_png` and `flow_png`, as the release does: depth at 16 bits, flow in the Middlebury colors, and its validity. */
export async function writePictures(work: Work, { depth, flow }: SceneParts): Promise<void> {
  const { folder, frames: { info: { sources } }, signal } = work;
  await folder.folder<Json>({
    name: "pictures of depth",
    output: "disp_png",
    from: { depth: depth.sha256 },
  }, async (into) => {
    for (const i of sources.keys()) {
      signal.throwIfAborted();
      const disparity = await readDisparity(join(depth.path, frameName(i, ".npy")));
      const png = encodePng(disparityPicture(disparity));
      await writeFileAtomically(join(into, frameName(i)), png);
    }
    return null;
  });
  await folder.folder<Json>({
    name: "pictures of flow",
    output: "flow_png",
    from: { flow: flow.sha256 },
  }, async (into) => {
    for (const i of sources.keys()) {
      for (const direction of ["fwd", "bwd"]) {
        if (i === (direction === "fwd" ? sources.length - 1 : 0)) continue;
        signal.throwIfAborted();
        const name = frameName(i, `_${direction}`);
        const { flow: vectors, valid } = await readFlow(join(flow.path, `${name}.npz`));
        await writeFileAtomically(join(into, `${name}.png`), encodePng(flowWheelPicture(vectors)));
        await writeFileAtomically(join(into, `${name}_mask.png`), encodeMask(valid));
      }
    }
    return null;
  });
}
