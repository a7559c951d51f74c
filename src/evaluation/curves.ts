/**
 * Training curves from the lines of `metrics.jsonl`.
 *
 * @module
 */

/** A line of `metrics.jsonl`, as far as curves need it. */
export interface MetricsLine {
  /** `static` or `dynamic`. */
  readonly stage: string;
  /** Steps of the stage done. */
  readonly step: number;
  /** Unweighted terms by name, and `total`, weighted. */
  readonly losses: Readonly<Record<string, number>>;
  /** Of the rays drawn, dB. */
  readonly psnr: number;
  /** Mean dynamicness of rays that see something moving, and of the others. */
  readonly dynamicness?: { readonly moving: number; readonly still: number };
}

/** A chart: curves over the steps of all stages, one stage after the other. */
export interface Chart {
  /** What it shows. */
  readonly title: string;
  /** Whether its scale is logarithmic: then numbers that are not above 0 are left out. */
  readonly log: boolean;
  /** Steps since the start, rising. */
  readonly steps: readonly number[];
  /** A value for each step; null where there is none. */
  readonly series: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
  }[];
}

/** The charts of a training run: losses, the quality of the rays drawn, and dynamicness; none without a line. */
export function trainingCurves(lines: readonly MetricsLine[]): Chart[] {
  if (lines.length === 0) return [];
  const stages = [...new Set(lines.map(({ stage }) => stage))];
  const last = (stage: string) => lines.findLast((line) => line.stage === stage)!.step;
  const startOf = (stage: string) =>
    stages.slice(0, stages.indexOf(stage)).reduce((sum, before) => sum + last(before), 0);
  const steps = lines.map(({ stage, step }) => startOf(stage) + step);
  const curve = (name: string, value: (line: MetricsLine) => number | undefined, log = false) => ({
    name,
    values: lines.map((line) => {
      const found = value(line);
      return found !== undefined && Number.isFinite(found) && (!log || found > 0) ? found : null;
    }),
  });
  const ofStages = (value: (line: MetricsLine) => number, log = false) =>
    stages.map((name) => curve(name, (line) => line.stage === name ? value(line) : undefined, log));
  const terms = [...new Set(lines.flatMap(({ losses }) => Object.keys(losses)))]
    .filter((term) => term !== "total");
  const charts: Chart[] = [
    {
      title: "Loss, weighted sum",
      log: true,
      steps,
      series: ofStages((l) => l.losses.total, true),
    },
    { title: "PSNR of the rays drawn, dB", log: false, steps, series: ofStages((l) => l.psnr) },
    {
      title: "Dynamicness, mean of the rays drawn",
      log: false,
      steps,
      series: [
        curve("where something moves", (line) => line.dynamicness?.moving),
        curve("where all is still", (line) => line.dynamicness?.still),
      ],
    },
    {
      title: "Loss terms, unweighted",
      log: true,
      steps,
      series: terms.map((term) => curve(term, ({ losses }) => losses[term], true)),
    },
  ];
  const drawn = charts.map((chart) => ({
    ...chart,
    series: chart.series.filter(({ values }) => values.some((value) => value !== null)),
  }));
  return drawn.filter(({ series }) => series.length > 0);
}
