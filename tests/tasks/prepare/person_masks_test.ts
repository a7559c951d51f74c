import { assert } from "@std/assert";
import { cacheFolder } from "../../../tasks/driver/swiftshader.ts";
import { PersonSegmenter } from "../../../tasks/prepare/person_masks.ts";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";

/** A drawn person in front of a wall: which pixels are the person's, and their color. */
function portrait(width: number, height: number) {
  const within = (x: number, y: number, cx: number, cy: number, rx: number, ry: number) =>
    ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
  const person = new Uint8Array(width * height), data = new Uint8Array(width * height * 3);
  const paint = (i: number, color: number[]) => data.set(color, i * 3);
  for (let i = 0; i < width * height; i++) {
    const x = (i % width - width / 2) / height, y = Math.floor(i / width) / height; // heights of the frame
    const face = within(x, y, 0, 0.38, 0.14, 0.19), hair = within(x, y, 0, 0.32, 0.17, 0.2);
    const neck = Math.abs(x) < 0.07 && y > 0.5 && y < 0.7;
    const shoulders = within(x, y, 0, 1.05, 0.42, 0.42);
    const eyes = within(Math.abs(x), y, 0.055, 0.36, 0.02, 0.012);
    const mouth = within(x, y, 0, 0.48, 0.05, 0.012);
    person[i] = face || hair || neck || shoulders ? 1 : 0;
    if (eyes) paint(i, [40, 30, 25]);
    else if (mouth) paint(i, [160, 70, 70]);
    else if (face || neck) paint(i, [224, 172, 138]);
    else if (hair) paint(i, [50, 36, 28]);
    else if (shoulders) paint(i, [60, 80, 140]);
    else paint(i, [200, 205, 198]);
  }
  return { person, frame: ndarray(data, [height, width, 3]) };
}

for (const [width, height] of [[320, 180], [200, 220]]) {
  Deno.test(`PersonSegmenter finds the person in a picture of ${width} x ${height}, and none on a wall`, async () => {
    const segmenter = await PersonSegmenter.load(cacheFolder(), { width, height });
    try {
      const { person, frame } = portrait(width, height);
      const { data } = await segmenter.mask(frame);
      const both = data.filter((value, i) => value && person[i]).length;
      const either = data.filter((value, i) => value || person[i]).length;
      assert(both / either > 0.8, `intersection over union is ${both / either}`);
      const wall = ndarray(new Uint8Array(width * height * 3).fill(200), [height, width, 3]);
      const found = (await segmenter.mask(wall)).data.filter((value) => value).length;
      assert(found < width * height / 100, `${found} pixels of a wall are persons`);
    } finally {
      segmenter.destroy();
    }
  });
}
