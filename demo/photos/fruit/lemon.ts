import { type Colour, varied } from "../colour.ts";
import { leaf } from "../greenery.ts";
import type { Sketch } from "../sketch.ts";
import { citrusHalf, poredSkin, withHalf } from "./citrus.ts";

const SKIN: Colour = { hue: 53, saturation: 90, lightness: 55 };
const FLESH: Colour = { hue: 56, saturation: 80, lightness: 72 };
const OUTLINE =
  "M-52,1 C-46,-3 -43,-8 -38,-15 C-29,-29 -14,-34 0,-34 C14,-34 29,-29 37,-15 C41,-8 45,-5 51,-3 C53,-1 53,3 51,5 C45,6 41,9 37,15 C29,29 14,34 0,34 C-14,34 -29,29 -38,15 C-43,9 -46,6 -52,1Z";

/** An oval with a nipple at either end. */
export function drawLemon(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, SKIN);
  const skin = poredSkin(sketch, OUTLINE, colour, { rx: 44, ry: 33 });
  const whole = random.chance(0.3) ? leaf(sketch, { x: -50, y: 1 }, 24, random.within(-70, -30)) + skin : skin;
  return withHalf(sketch, whole, citrusHalf(sketch, 42, colour, varied(random, FLESH)));
}
