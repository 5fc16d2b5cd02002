import type { TopLevelSpec } from "vega-lite";
import { CHART_CONFIG } from "#analysis/plot/render-chart.ts";

/** A bar's length, its name, and the group of bars that share a colour. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly group?: string;
}

/** Horizontal bars in the order given; those of one name and different groups are stacked. */
export function barChart(title: string, axis: string, bars: readonly Bar[]): TopLevelSpec {
  const isStacked = bars.some(({ group }) => group !== undefined);
  return {
    ...frame(title),
    data: { values: [...bars] },
    mark: { type: "bar", tooltip: false },
    encoding: {
      y: { field: "name", type: "nominal", sort: null, title: null, axis: { labelLimit: 600 } },
      x: { field: "value", type: "quantitative", title: axis },
      ...(isStacked && { color: { field: "group", type: "nominal", sort: null, title: null } }),
    },
  };
}

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
}

/** Lines with a dot at each measurement; the x axis logarithmic where its values span decades. */
export function lineChart(
  title: string,
  axes: { readonly x: string; readonly y: string; readonly isLog?: boolean },
  points: readonly Point[],
): TopLevelSpec {
  return {
    ...frame(title),
    data: { values: [...points] },
    mark: { type: "line", point: true },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: axes.x,
        scale: { type: axes.isLog ? "log" : "linear", nice: false },
      },
      y: { field: "y", type: "quantitative", title: axes.y, scale: { zero: true } },
      color: { field: "series", type: "nominal", sort: null, title: null },
    },
  };
}

function frame(title: string) {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title,
    width: 480,
    config: CHART_CONFIG,
  } as const;
}
