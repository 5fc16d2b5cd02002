import type { TopLevelSpec } from "vega-lite";
import { CHART_CONFIG } from "#analysis/plot/render-chart.ts";
import type { CurvePoint } from "./learning/experiment.ts";

/** Accuracy on test and training rows against the number of training rows, on a logarithmic axis. */
export function learningCurveChart(points: readonly CurvePoint[], title: string, subtitle: string): TopLevelSpec {
  const balanced = "test, balanced";
  const values = points.flatMap(({ trainRows, trainAccuracy, testAccuracy, testBalancedAccuracy }) => [
    { trainRows, rows: "training", accuracy: trainAccuracy },
    { trainRows, rows: "test", accuracy: testAccuracy },
    { trainRows, rows: balanced, accuracy: testBalancedAccuracy },
  ]);
  const domain = ["training", "test", balanced];
  const legend = { title: "rows", legend: { symbolType: "stroke", symbolSize: 400 } } as const;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: CHART_CONFIG,
    title: { text: title, subtitle },
    width: 520,
    height: 320,
    data: { values },
    mark: { type: "line", point: { filled: true, size: 45 } },
    encoding: {
      x: {
        field: "trainRows",
        type: "quantitative",
        title: "training rows",
        scale: { type: "log", nice: false },
        axis: { values: points.map(({ trainRows }) => trainRows), format: "d", labelOverlap: "greedy", grid: false },
      },
      y: {
        field: "accuracy",
        type: "quantitative",
        title: "accuracy",
        scale: { zero: false },
        axis: { format: ".1~%" },
      },
      color: {
        field: "rows",
        type: "nominal",
        ...legend,
        scale: { domain, range: ["#9c9c9c", "#1f6fb4", "#d9631e"] },
      },
      strokeDash: {
        field: "rows",
        type: "nominal",
        ...legend,
        scale: {
          domain,
          range: [
            [2, 3],
            [1, 0],
            [7, 3],
          ],
        },
      },
    },
  };
}
