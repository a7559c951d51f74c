import { assertEquals } from "@std/assert";
import { renderTable } from "../../../tasks/terminal/table.ts";

Deno.test("renderTable() aligns columns and rules off the heading", () => {
  const rows = [["scene", "psnr"], ["balloon1", "21.30"], ["b", "9.05"]];
  assertEquals(
    renderTable(rows, { align: ["left", "right"], indent: "  " }),
    ["  scene      psnr", "  ────────  ─────", "  balloon1  21.30", "  b          9.05"].join("\n"),
  );
});

Deno.test("renderTable() takes rows of different lengths and none at all", () => {
  assertEquals(renderTable([["a", "b"], ["cc"], []], { heading: false }), "a   b\ncc\n");
  assertEquals(renderTable([]), "");
});
