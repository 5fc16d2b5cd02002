import type { Config } from "vega-lite";

const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/** How every chart looks: white, with room around it, and text that is read without zooming in. */
export const CHART_CONFIG: Config = {
  background: "white",
  padding: 16,
  font: FONT,
  view: { stroke: "#c8c8c8" },
  title: {
    fontSize: 16,
    subtitleFontSize: 12,
    subtitleColor: "#555555",
    anchor: "start",
    offset: 12,
    subtitlePadding: 4,
  },
  axis: {
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: "normal",
    titlePadding: 8,
    gridColor: "#ececec",
    labelFlush: false,
  },
  legend: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    labelLimit: 320,
    symbolSize: 90,
    offset: 20,
  },
};
