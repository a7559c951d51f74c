// What is used of npm:mp4box; its own types bring in those of streams that Deno has too.

/** The times that boxes begin with. */
export interface Dated {
  creation_time: number;
  modification_time: number;
}

export interface Mp4Track {
  tkhd: Dated;
  mdia: {
    mdhd: Dated & { timescale: number };
    minf: { stbl: { stsd: { entries: SampleEntry[] } } };
  };
  samples: { offset: number; size: number; duration: number; is_sync: boolean }[];
}

export interface SampleEntry {
  width: number;
  height: number;
  avcC: { SPS: { data: Uint8Array }[]; PPS: { data: Uint8Array }[] };
  colr: { colour_type: string; matrix_coefficients: number; full_range_flag: number };
}

export function createFile(): {
  appendBuffer(buffer: ArrayBuffer & { fileStart: number }): void;
  flush(): void;
  moov: { mvhd: Dated; traks: Mp4Track[] };
};
