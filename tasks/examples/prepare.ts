/**
 * Makes the optical flow of a scene's frames by RAFT, and masks of what moves against their cameras.
 * Wants WEIGHTS, RAFT's raft-things.pth, and FOLDER with images/000.png … and poses_bounds.npy; leaves flow/ and motion_masks/.
 */
import { openGpu } from "../../mod.ts";
import { decodeImage, encodeFlow, encodeMask, loadGivenPoses } from "../../src/data/mod.ts";
import { loadWeightsFile, raftWeights } from "../../src/data/weights/mod.ts";
import { flowValidity, type FrameMotion, motionMask } from "../../src/preparation/mod.ts";
import { posesBoundsOf, posesOf, Raft } from "../../src/preparation/mod.ts";

const [weights, folder] = Deno.args;
const file = { name: weights, ...await loadWeightsFile(weights) };
const raft = await Raft.create(await openGpu(), raftWeights(file));

const names = (await Array.fromAsync(Deno.readDir(`${folder}/images`), ({ name }) => name)).sort();
const posed = await loadGivenPoses(`${folder}/poses_bounds.npy`, names);
const { camera, poses } = posesOf(posesBoundsOf(posed));
const frames = await Array.fromAsync(names, async (name) => {
  const path = `${folder}/images/${name}`;
  return await raft.encode(await decodeImage(await Deno.readFile(path), path));
});

for (const kind of ["flow", "motion_masks"]) {
  await Deno.mkdir(`${folder}/${kind}`, { recursive: true });
}
const motions: FrameMotion[] = poses.map((pose) => ({ pose }));
for (let i = 1; i < frames.length; i++) {
  const forward = await raft.flow(frames[i - 1], frames[i]);
  const backward = await raft.flow(frames[i], frames[i - 1]);
  motions[i - 1].next = { pose: poses[i], flow: forward };
  motions[i].previous = { pose: poses[i - 1], flow: backward };
  const [before, after] = [i - 1, i].map((at) => `${folder}/flow/${names[at].replace(".png", "")}`);
  const [there, back] = [flowValidity(forward, backward), flowValidity(backward, forward)];
  await Deno.writeFile(`${before}_fwd.npz`, encodeFlow(forward, there));
  await Deno.writeFile(`${after}_bwd.npz`, encodeFlow(backward, back));
}
for (const [i, motion] of motions.entries()) {
  const { mask } = motionMask(camera, motion);
  await Deno.writeFile(`${folder}/motion_masks/${names[i]}`, encodeMask(mask));
}
