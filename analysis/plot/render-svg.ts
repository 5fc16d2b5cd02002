import type { TopLevelSpec } from "vega-lite";

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
