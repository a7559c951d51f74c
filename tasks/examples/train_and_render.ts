/**
 * Makes a scene, trains a tiny model on it, saves that, and renders what a moving camera sees of it while time goes on.
 * Leaves in FOLDER: scene/, checkpoint.safetensors, view-0.png … view-5.png.
 */
import {
  encodeCheckpoint,
  encodePng,
  ImageRenderer,
  loadScene,
  openGpu,
  own,
  pathViews,
  to8bit,
  Trainer,
} from "../../mod.ts";
import { ensureProceduralScene } from "../../src/data/procedural/mod.ts";

const [folder = "runs/example"] = Deno.args;
await ensureProceduralScene("balloon1", `${folder}/scene`, { width: 128, height: 72 });
const tiny = { // seconds on a CPU, and it looks like that: without it minutes, and a picture
  model: { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 },
  ...{ frameWidth: 64, encoderWidth: 64, encoderHeight: 36, rays: 64, samples: 16 },
  ...{ staticSteps: 40, dynamicSteps: 40 },
};
const recipe = { ...own("small", ["scene"]), ...tiny };
const scene = await loadScene(`${folder}/scene`, recipe);

const trainer = await Trainer.create(await openGpu(), recipe, [scene]);
await trainer.run({
  onReport: ({ stage, step, psnr }) => console.log(`${stage} step ${step}: ${psnr.toFixed(1)} dB`),
});
const checkpoint = encodeCheckpoint({ recipe, ...await trainer.state() });
await Deno.writeFile(`${folder}/checkpoint.safetensors`, checkpoint);

const renderer = await ImageRenderer.create(trainer.model, await trainer.encode(), recipe);
for (const [i, { camera, time }] of pathViews(scene, "novel", { views: 6 }).entries()) {
  const { color } = await renderer.render(0, camera, time);
  await Deno.writeFile(`${folder}/view-${i}.png`, encodePng(to8bit(color)));
}
