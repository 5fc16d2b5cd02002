import { type Colour, css, darker, varied } from "../colour.ts";
import { leaf } from "../greenery.ts";
import { svg } from "../markup.ts";
import type { Sketch } from "../sketch.ts";
import { citrusHalf, poredSkin, withHalf } from "./citrus.ts";

const SKIN: Colour = { hue: 27, saturation: 92, lightness: 51 };
const FLESH: Colour = { hue: 32, saturation: 95, lightness: 58 };
const STALK_END: Colour = { hue: 95, saturation: 35, lightness: 32 };
const OUTLINE = "M0,-43 C25,-43 44,-24 44,0 C44,25 24,43 0,43 C-24,43 -44,25 -44,0 C-44,-24 -25,-43 0,-43Z";

/** A ball with pores and the little star where its stalk was. */
export function drawOrange(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, SKIN);
  const star = Array.from(
    { length: 5 },
    (_, index) => svg`<ellipse cx="2.4" cy="0" rx="2.6" ry="1.1" transform="rotate(${72 * index})"/>`,
  );
  const hollow = sketch.rings([
    [0, css(darker(colour, 18), 0.7)],
    [1, css(darker(colour, 18), 0)],
  ]);
  const end = svg`<g transform="translate(${random.within(-14, 14)} ${random.within(-32, -22)}) scale(1 0.75)"><circle r="9" fill="${hollow}"/><g fill="${css(STALK_END)}">${star}</g>${random.chance(0.4) ? leaf(sketch, { x: 0, y: 0 }, random.within(24, 32), random.within(-60, 0)) : ""}</g>`;
  const whole = poredSkin(sketch, OUTLINE, colour, { rx: 44, ry: 43 }) + end;
  return withHalf(sketch, whole, citrusHalf(sketch, 46, colour, varied(random, FLESH)));
}
