import type { TopLevelSpec } from "vega-lite";
import { groupLabels, NO_LABEL, OTHERS } from "./label-groups.ts";
import type { Point } from "./point-sample.ts";
import { CHART_CONFIG } from "./render-chart.ts";

/** What the scatter shows. */
export interface Scatter {
  /** In the order in which they are drawn. */
  readonly points: readonly Point[];
  /** Of all rows, drawn or not. */
  readonly rowsByLabel: ReadonlyMap<string | null, number>;
  /** The components along the axes, from 1, and their shares of the variance. */
  readonly components: readonly [number, number];
  readonly ratios: readonly [number, number];
  /** Whether many labels may be grouped by their first word. */
  readonly mayGroup: boolean;
  readonly subtitle: string;
}

/** Neighbours differ in lightness as well, so that they are told apart in grey and by most who are colour-blind. */
const COLOURS = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#d62728",
  "#7b3fa0",
  "#56b4e9",
  "#8c564b",
  "#e377c2",
  "#6b8e00",
  "#1a1a1a",
  "#00b3a4",
  "#9e0059",
];
const GREY = "#cfcfcf";
/** A second mark of a group, beside its colour. */
const SHAPES = ["circle", "square", "triangle-up", "diamond"];

/** Rows in the plane of two principal components, coloured by label. */
export function scatterChart(scatter: Scatter): TopLevelSpec {
  const { points, rowsByLabel, components, ratios, mayGroup, subtitle } = scatter;
  const { groups, groupOf, byFirstWord } = groupLabels(rowsByLabel, mayGroup);
  const captionOf = new Map(groups.map(({ name, rows }) => [name, `${name} (${rows.toLocaleString("en")})`]));
  const values = points.map(({ x, y, label }) => ({ x, y, group: captionOf.get(groupOf(label))! }));
  const greyCaptions = new Set([captionOf.get(OTHERS), captionOf.get(NO_LABEL)]);
  const isGrey = ({ group }: { group: string }) => greyCaptions.has(group);
  const domain = [...captionOf.values()];
  const ranges = domain.map((group, index) => ({
    colour: isGrey({ group }) ? GREY : COLOURS[index % COLOURS.length]!,
    shape: isGrey({ group }) ? "circle" : SHAPES[index % SHAPES.length]!,
  }));
  const legend = { title: byFirstWord ? "first word (rows)" : "label (rows)" };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: CHART_CONFIG,
    title: { text: titleOf(components), subtitle },
    width: 680,
    height: 520,
    // What is grey lies below, so that it hides nothing.
    data: { values: [...values.filter(isGrey), ...values.filter((value) => !isGrey(value))] },
    mark: { type: "point", filled: true, opacity: 0.75, size: points.length > 2000 ? 22 : 40 },
    encoding: {
      x: { field: "x", type: "quantitative", title: axisTitle(components[0], ratios[0]), scale: { zero: false } },
      y: { field: "y", type: "quantitative", title: axisTitle(components[1], ratios[1]), scale: { zero: false } },
      color: {
        field: "group",
        type: "nominal",
        scale: { domain, range: ranges.map(({ colour }) => colour) },
        legend,
      },
      shape: {
        field: "group",
        type: "nominal",
        scale: { domain, range: ranges.map(({ shape }) => shape) },
        legend,
      },
    },
  };
}

function titleOf([first, second]: readonly [number, number]): string {
  if (first === 1 && second === 2) return "Photos by their first two principal components";
  return `Photos by their principal components ${first} and ${second}`;
}

function axisTitle(component: number, ratio: number): string {
  return `principal component ${component} (${(100 * ratio).toFixed(1)} % of the variance)`;
}
