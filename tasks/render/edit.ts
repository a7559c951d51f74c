/**
 * Editing flags of `deno task render`: what of which scene is shown.
 *
 * @module
 */
import { DataError } from "../../src/data/files.ts";
import type { Vector3 } from "../../src/data/vectors.ts";
import {
  type BlendingRegion,
  blendRegion,
  flipForeground,
  freezeForegrounds,
  insertForeground,
  moveForeground,
  removeForegrounds,
  type SceneEdit,
  swapBackground,
  unedited,
} from "../../src/viewing/scene_edit.ts";
import { unknownName } from "../../src/recipes/unknown_name.ts";
import { flagGroup, UsageError } from "../terminal/options.ts";

/** What the command line asks to change. */
export interface EditCommand {
  /** The scene whose static part is behind the others' moving parts. */
  background?: string | undefined;
  /** Leaves out the scene's own moving part. */
  remove: boolean;
  /** The scene whose moving part comes too. */
  insert?: string | undefined;
  /** The frame at which moving parts stand still. */
  freeze?: number;
  /** Mirrors the moving part, the inserted one where there is one. */
  flip: boolean;
  /** Then moves it. */
  move?: Vector3;
  /** A box in which blending is given. */
  blend?: BlendingRegion;
}

/** The flags. */
export const editFlags = flagGroup("Editing", {
  background: undefined as string | undefined,
  remove: false,
  freeze: -1,
  insert: undefined as string | undefined,
  flip: false,
  move: undefined as string | undefined,
  blend: undefined as string | undefined,
}, {
  background: { about: "the static part is of this scene of the run", unit: "scene" },
  remove: { about: "without the scene's moving part" },
  freeze: { about: "moving parts stand still as in this frame", unit: "frame", min: -1 },
  insert: { about: "with the moving part of this scene too", unit: "scene" },
  flip: { about: "mirrors the moving part (an inserted one, not the own) left to right" },
  move: { about: "moves it, in units of the scene: right, up, towards the camera", unit: "X,Y,Z" },
  blend: {
    about: "share of the moving parts within a box, 0 hides them: as -1,0,-9..1,1,-1=0",
    unit: "X,Y,Z..X,Y,Z=B",
  },
});

/**
 * What the flags ask to change, if anything.
 *
 * @throws {UsageError} If they cannot be used.
 */
export function readEdit(
  values: { [K in keyof typeof editFlags]: (typeof editFlags)[K]["default"] },
): EditCommand | undefined {
  const { background, remove, insert, flip } = values;
  const edit: EditCommand = { background, remove, insert, flip };
  if (values.freeze >= 0) edit.freeze = values.freeze;
  if (values.move !== undefined) {
    [edit.move] = vectors("move", values.move, values.move, "X,Y,Z, as 0.5,0,0");
  }
  if (values.blend !== undefined) edit.blend = readRegion(values.blend);
  const moving = [
    ...(edit.freeze !== undefined ? ["--freeze"] : []),
    ...(flip ? ["--flip"] : []),
    ...(edit.move ? ["--move"] : []),
    ...(edit.blend ? ["--blend"] : []),
  ];
  if (remove && insert === undefined && moving.length > 0) {
    throw new UsageError(
      `Cannot use "${moving[0]}" with "--remove": no moving part is left; give it one by --insert`,
    );
  }
  const asked = background !== undefined || remove || insert !== undefined || moving.length > 0;
  return asked ? edit : undefined;
}

function readRegion(text: string): BlendingRegion {
  const wanted = "two corners, the smaller one first, and 0 to 1, as -1,0,-9..1,1,-1=0";
  const [corners, share = "", ...more] = text.split("=");
  const [min, max, ...others] = vectors("blend", text, corners, wanted);
  const blending = share.trim() === "" ? NaN : Number(share);
  const usable = max && more.length + others.length === 0 && blending >= 0 && blending <= 1 &&
    max.every((value, i) => min[i] < value);
  if (usable) return { min, max, blending };
  throw new UsageError(`Cannot read "--blend": value is "${text}", wanted ${wanted}`);
}

/** Vectors with `..` between. */
function vectors(flag: string, value: string, text: string, wanted: string): Vector3[] {
  return text.split("..").map((part) => {
    const numbers = part.split(",").map((each) => each.trim() === "" ? NaN : Number(each));
    if (numbers.length === 3 && numbers.every(Number.isFinite)) {
      return [numbers[0], numbers[1], numbers[2]];
    }
    throw new UsageError(`Cannot read "--${flag}": value is "${value}", wanted ${wanted}`);
  });
}

/** The edit in words that a folder's name can have: `insert-balloon2-move-0.5,0,0`. */
export function editName({ background, remove, insert, freeze, flip, move, blend }: EditCommand) {
  const words = {
    background,
    remove: remove || undefined,
    insert,
    freeze,
    flip: flip || undefined,
    move: move?.join(","),
    blend: blend && `${blend.min}..${blend.max}=${blend.blending}`,
  };
  return Object.entries(words)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => value === true ? name : `${name}-${value}`)
    .join("-");
}

/** What an edit needs of a scene. */
interface EditScene {
  readonly name: string;
  readonly frames: number;
}

/**
 * The scenes to render edited: those wanted, by default all but those that others get as background or insertion.
 *
 * @throws {DataError} If the edit names a scene or frame that is not there, or no scene is left.
 */
export function scenesToEdit<S extends EditScene>(
  edit: EditCommand,
  scenes: readonly S[],
  wanted?: readonly string[],
): S[] {
  const names = scenes.map(({ name }) => name);
  const lent = [edit.background, edit.insert].filter((name) => name !== undefined);
  const unknown = lent.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new DataError(unknownName("scene", unknown, names));
  const { freeze = 0 } = edit;
  const short = scenes.find(({ frames }) => freeze > frames - 1);
  if (short) {
    throw new DataError(
      `Cannot freeze "${short.name}" at frame ${freeze}: its frames are 0 to ${short.frames - 1}`,
    );
  }
  const left = scenes.filter(({ name }) => wanted?.includes(name) ?? !lent.includes(name));
  if (left.length > 0) return left;
  throw new DataError(
    `Cannot edit by "${editName(edit)}": the run has no scene but ${names.join(" and ")}; ` +
      "take a run of more scenes, or name by --scene which to render",
  );
}

/** The edit of one view; a scene that is shorter than another one stays at its last frame. */
export function editOf(
  { background, remove, insert, freeze, flip, move, blend }: EditCommand,
  scenes: readonly EditScene[],
  scene: number,
  time: number,
): SceneEdit {
  const momentOf = (name: string) => {
    const number = scenes.findIndex((scene) => scene.name === name);
    return { scene: number, time: Math.min(time, scenes[number].frames - 1) };
  };
  let edit = unedited(scene, time);
  if (background !== undefined) edit = swapBackground(edit, momentOf(background));
  if (remove) edit = removeForegrounds(edit);
  if (insert !== undefined) edit = insertForeground(edit, momentOf(insert));
  if (freeze !== undefined) edit = freezeForegrounds(edit, freeze);
  if (flip) edit = flipForeground(edit);
  if (move) edit = moveForeground(edit, move);
  if (blend) edit = blendRegion(edit, blend);
  return edit;
}
