import { type Colour, css, darker, varied } from "../colour.ts";
import { leaf, stem } from "../greenery.ts";
import { svg } from "../markup.ts";
import type { Sketch } from "../sketch.ts";

const SKINS: readonly Colour[] = [
  { hue: 66, saturation: 55, lightness: 52 },
  { hue: 78, saturation: 48, lightness: 45 },
  { hue: 42, saturation: 50, lightness: 48 },
];
const BLUSH: Colour = { hue: 14, saturation: 65, lightness: 48 };

const OUTLINE =
  "M0,-42 C10,-42 14,-33 16,-22 C19,-7 38,5 37,25 C36,43 18,48 0,48 C-18,48 -36,43 -37,25 C-38,5 -19,-7 -16,-22 C-14,-33 -10,-42 0,-42Z";

/** A slender neck on a round belly, freckled. */
export function drawPear(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(SKINS));
  const cheek = sketch.rings([
    [0, css(BLUSH, random.within(0, 0.5))],
    [1, css(BLUSH, 0)],
  ]);
  const freckles = sketch.dots(90, { rx: 38, ry: 48 }, 0.8, css(darker(colour, 20), 0.5));
  return svg`<path d="${OUTLINE}" fill="${sketch.volume(colour)}"/>${sketch.clipped(
    OUTLINE,
    svg`<ellipse cx="${random.within(-22, 22)}" cy="18" rx="26" ry="34" fill="${cheek}"/>${freckles}`,
  )}${sketch.gleam({ x: 0, y: 20 }, 34, random.within(0.45, 0.7))}${sketch.gleam({ x: 0, y: -22 }, 14, 0.35)}${stem(sketch, { x: 0, y: -41 }, { x: random.within(-8, 8), y: -55 }, 2.8)}${random.chance(0.4) ? leaf(sketch, { x: 1, y: -46 }, random.within(18, 24), random.within(-30, 20)) : ""}`;
}
