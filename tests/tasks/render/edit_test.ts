import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import {
  flipForeground,
  freezeForegrounds,
  insertForeground,
  moveForeground,
  removeForegrounds,
  type SceneEdit,
  swapBackground,
  unedited,
} from "../../../src/viewing/scene_edit.ts";
import { parseCommand } from "../../../tasks/render/command.ts";
import { editName, editOf, scenesToEdit } from "../../../tasks/render/edit.ts";

const scenes = [{ name: "one", frames: 12 }, { name: "two", frames: 4 }];
const edit = (line: string) => parseCommand(["run", ...line.split(" ")]).edit!;

Deno.test("deno task render edits a view as its flags ask for", () => {
  const plain = unedited(0, 5.5);
  const last = { scene: 1, time: 3 }; // of the shorter scene
  const box = { min: [-1, 0, -9], max: [1, 1, -1], blending: 0.5 } as const;
  const cases: [string, SceneEdit, string][] = [
    ["--background two", swapBackground(plain, last), "background-two"],
    ["--remove", removeForegrounds(plain), "remove"],
    ["--freeze 2", freezeForegrounds(plain, 2), "freeze-2"],
    ["--freeze 0", freezeForegrounds(plain, 0), "freeze-0"],
    ["--insert two", insertForeground(plain, last), "insert-two"],
    ["--flip", flipForeground(plain), "flip"],
    ["--move -0.5,0,1", moveForeground(plain, [-0.5, 0, 1]), "move--0.5,0,1"],
    ["--blend -1,0,-9..1,1,-1=0.5", { ...plain, regions: [box] }, "blend--1,0,-9..1,1,-1=0.5"],
    [
      "--move 1,0,0 --flip --insert two --remove",
      moveForeground(flipForeground(insertForeground(removeForegrounds(plain), last)), [1, 0, 0]),
      "remove-insert-two-flip-move-1,0,0",
    ],
  ];
  for (const [line, wanted, name] of cases) {
    assertEquals(editOf(edit(line), scenes, 0, 5.5), wanted, line);
    assertEquals(editName(edit(line)), name);
  }
  assertEquals(parseCommand(["run", "--gif"]).edit, undefined);
});

Deno.test("deno task render edits the scenes that lend nothing to others, or those named", () => {
  const shown = (line: string, named?: string[]) =>
    scenesToEdit(edit(line), scenes, named).map(({ name }) => name);
  assertEquals(shown("--flip"), ["one", "two"]);
  assertEquals(shown("--background two"), ["one"]);
  assertEquals(shown("--insert one"), ["two"]);
  assertEquals(shown("--insert one", ["one"]), ["one"]); // a twin
});

Deno.test("deno task render names what an edit lacks", () => {
  const cases: [string, number, string][] = [
    ["--background three", 2, 'Unknown scene "three"; there are one, two'],
    ["--insert tow", 2, 'Unknown scene "tow", did you mean "two"?'],
    ["--freeze 4", 2, 'Cannot freeze "two" at frame 4: its frames are 0 to 3'],
    [
      "--background one",
      1,
      'Cannot edit by "background-one": the run has no scene but one; take a run of more scenes',
    ],
    ["--background one --insert two", 2, "the run has no scene but one and two"],
  ];
  for (const [line, count, message] of cases) {
    assertThrows(() => scenesToEdit(edit(line), scenes.slice(0, count)), DataError, message);
  }
});
