// What is used of npm:h264-mp4-encoder; its own types have no default export, which is what Node's modules give.

/** Encodes one film. */
export interface H264MP4Encoder {
  /** Even, pixels. */
  width: number;
  /** Even, pixels. */
  height: number;
  frameRate: number;
  /** 10 (best) … 51. */
  quantizationParameter: number;
  groupOfPictures: number;
  /** 0 (best) … 10. */
  speed: number;
  initialize(): void;
  /** Planes of a picture: luma, then both chromas at half the resolution. */
  addFrameYuv(planes: Uint8Array): void;
  finalize(): void;
  /** Where the film is, in memory. */
  readonly outputFilename: string;
  readonly FS: { readFile(path: string): Uint8Array };
  /** Frees its memory. */
  delete(): void;
}

declare const encoder: { createH264MP4Encoder(): Promise<H264MP4Encoder> };
export default encoder;
