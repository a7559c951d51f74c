/**
 * Edits a trained scene: its moving part stands still while time goes on, and stands there once more, mirrored and moved.
 * Wants FOLDER of train_and_render.ts, and leaves in it plain.png and edited.png.
 */
import {
  encodePng,
  encodeScenes,
  flipForeground,
  freezeForegrounds,
  ImageRenderer,
  insertForeground,
  loadCheckpoint,
  loadModel,
  loadScene,
  moveForeground,
  openGpu,
  to8bit,
  unedited,
} from "../../mod.ts";

const [folder = "runs/example"] = Deno.args;
const checkpoint = await loadCheckpoint(`${folder}/checkpoint.safetensors`);
const { recipe } = checkpoint;
const scene = await loadScene(`${folder}/scene`, recipe);
const model = loadModel(await openGpu(), checkpoint);
const encoded = await encodeScenes(model, [scene], recipe);
const renderer = await ImageRenderer.create(model, encoded, recipe);

const plain = unedited(0, 5.5); // scene 0, between frames 5 and 6
const frozen = freezeForegrounds(plain, 2); // as it was in frame 2
const twins = insertForeground(frozen, { scene: 0, time: 8 });
const edited = moveForeground(flipForeground(twins), [0.3, 0, 0]); // the last one, in the scene's units

for (const [name, edit] of Object.entries({ plain, edited })) {
  const { color } = await renderer.renderEdit(edit, scene.cameras[5]);
  await Deno.writeFile(`${folder}/${name}.png`, encodePng(to8bit(color)));
}
