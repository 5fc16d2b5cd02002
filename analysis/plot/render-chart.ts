import type { Config, TopLevelSpec } from "vega-lite";

/**
 * A chart as the text of an SVG file. Text stays text: the fonts are those of whoever looks at it.
 *
 * The libraries are loaded here, as they take half a second, which no other command should wait for.
 */
export async function renderSvg(chart: TopLevelSpec): Promise<string> {
  const [{ parse, View }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  const view = new View(parse(compile(chart).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Twice the pixels that a browser would take, for screens and slides. */
const DENSITY_DPI = 144;

/**
 * A chart's SVG as PNG. Its text is drawn with the fonts of this machine; without any there is none.
 *
 * The library is loaded here, as no other command should wait for it.
 */
export async function renderPng(svg: string): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(Buffer.from(svg), { density: DENSITY_DPI }).png().toBuffer();
}

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
