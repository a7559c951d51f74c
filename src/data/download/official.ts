/** An archive of scenes that others publish, and what is known of it. */
export interface PublishedArchive {
  /** Where it is. */
  url: string;
  /** Names of the scenes in it. */
  scenes: readonly string[];
  /** Its size, where its publishers state one. */
  bytes?: number;
  /** Its SHA-256 in hexadecimal, where its publishers state one. */
  sha256?: string;
  /** A page where a person can fetch the same scenes, when the address does not answer. */
  byHand: string;
}

/**
 * The Dynamic Scene Dataset (Yoon et al., CVPR 2020) as DynamicNeRF prepared it: 12 frames a scene with poses, depth, masks
 * and flow. This is the address in the READMEs of DynamicNeRF and MonoNeRF; neither states a size or a hash. The page is
 * MonoNeRF's own copy, which has the held-out views too.
 */
export const officialArchive: PublishedArchive = {
  url: "https://filebox.ece.vt.edu/~chengao/free-view-video/data.zip",
  scenes: ["Balloon1", "Balloon2", "Jumping", "Playground", "Skating", "Truck", "Umbrella"],
  byHand: "https://drive.google.com/file/d/1_8PWQ6Ztw3Y-iyKRRJmKtGC2oFa2rDMS/view",
};
