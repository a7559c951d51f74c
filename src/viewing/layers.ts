/**
 * The layers of a rendered view as pictures.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { RenderedImage } from "./image_renderer.ts";
import {
  depthPicture,
  dynamicnessPicture,
  flowPicture,
  to8bit,
} from "../pictures/layer_pictures.ts";

/** Optical flow in full color, as a share of the picture's width: 15 pixels of 480. */
const FLOW_RADIUS = 1 / 32;

/** A layer: both fields, each of them alone, depth, share of the dynamic field, and its flow to the next frame. */
export type LayerName = "color" | "static" | "dynamic" | "depth" | "dynamicness" | "flow";

const pictures: Readonly<Record<LayerName, (image: RenderedImage) => NdArray<Uint8Array>>> = {
  color: ({ color }) => to8bit(color),
  static: ({ colorStatic }) => to8bit(colorStatic),
  dynamic: ({ colorDynamic }) => to8bit(colorDynamic),
  depth: ({ depth }) => depthPicture(depth),
  dynamicness: ({ dynamicness }) => dynamicnessPicture(dynamicness),
  flow: ({ flowForward, width }) => flowPicture(flowForward, width * FLOW_RADIUS),
};

/** All layers. */
export const layerNames: readonly LayerName[] = Object.keys(pictures) as LayerName[];

/**
 * A layer of a rendered view as a picture `[height, width, 3]`, sRGB, 0..255. Its colors mean the same in every view, so that
 * pictures can follow each other in a film: depths are from 0 to 1 NDC, flows in full color at 1/32 of the width.
 */
export function layerPicture(image: RenderedImage, layer: LayerName): NdArray<Uint8Array> {
  return pictures[layer](image);
}
