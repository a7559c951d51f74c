/**
 * Follows points of what moves in a trained scene over seven frames, prints where one of them goes, and draws all.
 * Wants FOLDER of train_and_render.ts, and leaves in it tracks.png.
 */
import {
  encodePng,
  encodeScenes,
  ImageRenderer,
  loadCheckpoint,
  loadModel,
  loadScene,
  movingPixels,
  movingPoints,
  openGpu,
  PointTracker,
  to8bit,
  trackPicture,
} from "../../mod.ts";

const [folder = "runs/example"] = Deno.args;
const checkpoint = await loadCheckpoint(`${folder}/checkpoint.safetensors`);
const { recipe } = checkpoint;
const scene = await loadScene(`${folder}/scene`, recipe);
const model = loadModel(await openGpu(), checkpoint);
const encoded = await encodeScenes(model, [scene], recipe);
const renderer = await ImageRenderer.create(model, encoded, recipe);
const tracker = await PointTracker.create(model, encoded, recipe);

const time = 5, camera = scene.cameras[time];
const view = await renderer.render(0, camera, time);
const points = movingPoints(view, camera, movingPixels(view, 32));
const tracks = await tracker.track({ scene: 0, time, points, before: 3, after: 3 });
tracks.times.forEach((time, i) => {
  const [x, y, z] = [0, 1, 2].map((axis) => tracks.world.get(0, i, axis).toFixed(3));
  console.log(`frame ${time}: (${x}, ${y}, ${z})`);
});
const picture = trackPicture(to8bit(view.color), tracks, { camera, time, frames: 3 });
await Deno.writeFile(`${folder}/tracks.png`, encodePng(picture));
