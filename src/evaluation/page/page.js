// The report's own script; uPlot stands before it, and the data in <script id="data">.
// @ts-nocheck: a page's script, run in browsers only; a test opens it in one

const { charts, pictures } = JSON.parse(document.getElementById("data").textContent);
const colors = [
  "#2563eb",
  "#ea580c",
  "#16a34a",
  "#9333ea",
  "#dc2626",
  "#0891b2",
  "#ca8a04",
  "#64748b",
];

/** Labels of a logarithmic axis: uPlot's own round what is below 0.001 to 0. */
function decades(_plot, ticks) {
  return ticks.map((tick) => tick === null || tick >= 1e-3 ? tick : tick.toExponential(0));
}

for (const { title, log, steps, series } of charts) {
  const place = document.createElement("section");
  place.append(Object.assign(document.createElement("h3"), { textContent: title }));
  document.getElementById("charts").append(place);
  new uPlot(
    {
      width: Math.min(530, document.body.clientWidth),
      height: 260,
      scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
      axes: [{}, { size: 64, ...(log ? { values: decades } : {}) }],
      cursor: { sync: { key: "steps" } },
      series: [
        { label: "step" },
        ...series.map(({ name }, i) => ({
          label: name,
          stroke: colors[i % colors.length],
          width: 1.5,
          spanGaps: true,
          points: { show: false },
        })),
      ],
    },
    [steps, ...series.map(({ values }) => values)],
    place,
  );
}

// Two layers of one view, one over the other, the upper one cut off left of the slider.
const stage = document.getElementById("stage");
const slider = document.getElementById("slider");
const [left, right] = ["left", "right"].map((id) => document.getElementById(id));
const [leftLayer, rightLayer] = ["left-layer", "right-layer"].map((id) =>
  document.getElementById(id)
);
const view = document.getElementById("view");

function show() {
  const { key, layers } = pictures[view.value];
  left.src = layers[leftLayer.value];
  right.src = layers[rightLayer.value];
  for (const row of document.querySelectorAll("#views tbody tr")) {
    row.classList.toggle("shown", row.dataset.view === key);
  }
}

function slide() {
  stage.style.setProperty("--at", `${slider.value}%`);
}

if (pictures.length > 0) {
  pictures.forEach(({ key }, i) => view.add(new Option(key, i)));
  for (const [select, first] of [[leftLayer, "truth"], [rightLayer, "rendered"]]) {
    for (const layer of Object.keys(pictures[0].layers)) select.add(new Option(layer));
    select.value = first;
    select.addEventListener("change", show);
  }
  view.addEventListener("change", show);
  slider.addEventListener("input", slide);
  const drag = (event) => {
    if (event.buttons !== 1) return;
    const { left, width } = stage.getBoundingClientRect();
    slider.value = 100 * (event.clientX - left) / width;
    slide();
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    drag(event);
  });
  stage.addEventListener("pointermove", drag);
  document.getElementById("views").addEventListener("click", ({ target }) => {
    const picture = target.closest("a") && target.closest("tr").dataset.view;
    const i = pictures.findIndex(({ key }) => key === picture);
    if (i < 0) return;
    view.value = i;
    show();
  });
  show();
  slide();
}

// Headings sort: first the other way round than before, names up and numbers down at first.
const table = document.getElementById("views");
table.tHead.addEventListener("click", ({ target }) => {
  const head = target.closest("th");
  if (!head) return;
  const column = head.cellIndex;
  const value = (row) => row.cells[column].dataset.value ?? "";
  const [body] = table.tBodies;
  const rows = [...body.rows];
  const numbers = rows.every((row) => value(row) === "" || !Number.isNaN(Number(value(row))));
  const before = head.ariaSort;
  const rising = before ? before === "descending" : !numbers;
  const compare = (a, b) => numbers ? a - b : a.localeCompare(b);
  rows.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === "" || b === "") return (a === "") - (b === ""); // unknown ones last
    return rising ? compare(a, b) : compare(b, a);
  });
  body.append(...rows);
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.ariaSort = rising ? "ascending" : "descending";
});
