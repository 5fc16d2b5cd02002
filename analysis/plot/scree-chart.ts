import type { TopLevelSpec } from "vega-lite";
import { CHART_CONFIG } from "./render-chart.ts";

/** With more components there is no room for a figure over each bar. */
const FIGURES_MAX = 16;

/** Each component's share of the variance as a bar, and the sum of the shares up to it as a line. */
export function screeChart(ratios: readonly number[], subtitle: string): TopLevelSpec {
  let sum = 0;
  const values = ratios.map((ratio, index) => {
    sum += ratio;
    return { component: index + 1, ratio, sum };
  });
  const x = {
    field: "component",
    type: "ordinal",
    title: "principal component",
    axis: { labelAngle: 0, labelOverlap: "greedy", grid: false },
  } as const;
  const percentAxis = { format: ".0%", title: "share of the variance" } as const;
  const kind = (name: string) =>
    ({
      datum: name,
      type: "nominal",
      title: null,
      scale: { domain: [EACH, SUM], range: ["#7fb2d9", "#c4451c"] },
    }) as const;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: CHART_CONFIG,
    title: { text: "Explained variance", subtitle },
    width: Math.max(420, Math.min(900, ratios.length * 48)),
    height: 360,
    data: { values },
    encoding: { x },
    layer: [
      {
        mark: "bar",
        encoding: { y: { field: "ratio", type: "quantitative", axis: percentAxis }, color: kind(EACH) },
      },
      {
        mark: { type: "line", point: { filled: true, size: 45 } },
        encoding: { y: { field: "sum", type: "quantitative" }, color: kind(SUM) },
      },
      ...(ratios.length <= FIGURES_MAX ? [BAR_FIGURES, LINE_FIGURES] : []),
    ],
  };
}

const EACH = "of each component";
const SUM = "of all up to it";

const FIGURE = { type: "text", fontSize: 11, dy: -9 } as const;

const BAR_FIGURES = {
  mark: { ...FIGURE, color: "#2f6690" },
  encoding: figuresOf("ratio"),
};

/** To the upper left of its point, where a line that rises and flattens never is; the first is the first bar's. */
const LINE_FIGURES = {
  transform: [{ filter: "datum.component > 1" }],
  mark: { ...FIGURE, color: "#c4451c", align: "right" as const, dx: -3 },
  encoding: figuresOf("sum"),
};

function figuresOf(field: string) {
  return { y: { field, type: "quantitative" }, text: { field, type: "quantitative", format: ".1%" } } as const;
}
