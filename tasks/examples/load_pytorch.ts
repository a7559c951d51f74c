/**
 * Loads a PyTorch checkpoint of the authors' network, renders a frame of a scene with it, and saves it as a checkpoint of ours.
 * Wants WEIGHTS, such as 150000.tar, and FOLDER of the scene; leaves pytorch.png and pytorch.safetensors there.
 */
import {
  encodeCheckpoint,
  encodePng,
  encodeScenes,
  ImageRenderer,
  loadModel,
  loadScene,
  openGpu,
  own,
  to8bit,
} from "../../mod.ts";
import { loadWeightsFile } from "../../src/data/weights/mod.ts";
import { withModel } from "../../src/training/mod.ts";

const [weights, folder] = Deno.args;
const file = await loadWeightsFile(weights);
console.log(`${file.format}, ${file.tensors.size} tensors, SHA-256 ${file.sha256}`);

const { recipe, tensors } = withModel(own("full", [folder]), file); // widths are the file's
const model = loadModel(await openGpu(), { recipe, tensors });
const scene = await loadScene(folder, recipe);
const encoded = await encodeScenes(model, [scene], recipe);
const renderer = await ImageRenderer.create(model, encoded, recipe);
const { color } = await renderer.render(0, scene.cameras[0], 0);
await Deno.writeFile(`${folder}/pytorch.png`, encodePng(to8bit(color)));

const trained = { stage: "done", step: 0, optimizer: new Map() } as const;
const checkpoint = encodeCheckpoint({ recipe, tensors, ...trained });
await Deno.writeFile(`${folder}/pytorch.safetensors`, checkpoint);
