import { type Colour, css, varied } from "../colour.ts";
import { svg } from "../markup.ts";
import type { Sketch } from "../sketch.ts";
import { citrusHalf, poredSkin, withHalf } from "./citrus.ts";

const SKINS: readonly Colour[] = [
  { hue: 92, saturation: 62, lightness: 34 },
  { hue: 84, saturation: 62, lightness: 42 },
];
const FLESH: Colour = { hue: 76, saturation: 62, lightness: 66 };
const SCAR: Colour = { hue: 50, saturation: 35, lightness: 40 };
const OUTLINE =
  "M-44,0 C-43,-24 -24,-37 0,-37 C22,-37 38,-26 43,-7 C46,-4 48,-2 48,1 C48,4 45,6 43,8 C38,27 22,37 0,37 C-24,37 -43,24 -44,0Z";

/** Greener and rounder than a lemon, with a nipple at one end and the stalk's scar at the other. */
export function drawLime(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(SKINS));
  const scar = svg`<ellipse cx="-39" cy="0" rx="2.2" ry="4.5" fill="${css(SCAR)}"/>`;
  const whole = poredSkin(sketch, OUTLINE, colour, { rx: 44, ry: 36 }) + scar;
  return withHalf(sketch, whole, citrusHalf(sketch, 42, colour, varied(random, FLESH)));
}
