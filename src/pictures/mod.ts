/**
 * 8-bit pictures for people: colors, depths, blending and flow, and sheets of them. No GPU.
 *
 * ```ts
 * import { depthPicture, to8bit } from "./mod.ts";
 * import type { RenderedImage } from "../viewing/mod.ts";
 *
 * function pictures({ color, depth }: RenderedImage) {
 *   return [to8bit(color), depthPicture(depth)];
 * }
 * ```
 *
 * @module
 */
export { contactSheet, type ContactSheetRow, type Heading } from "./contact_sheet.ts";
export {
  depthPicture,
  differencePicture,
  dynamicnessPicture,
  flowPicture,
  flowRadius,
  to8bit,
} from "./layer_pictures.ts";
export { disparityPicture, flowWheelPicture } from "./preparation_pictures.ts";
