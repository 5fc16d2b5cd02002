import { type Colour, css, darker, lighter, varied } from "../colour.ts";
import { leaf } from "../greenery.ts";
import { type Sketch, svg } from "../sketch.ts";

const LEMON_SKIN: Colour = { hue: 53, saturation: 90, lightness: 55 };
const LEMON_FLESH: Colour = { hue: 56, saturation: 80, lightness: 72 };
const LEMON_OUTLINE =
  "M-52,1 C-46,-3 -43,-8 -38,-15 C-29,-29 -14,-34 0,-34 C14,-34 29,-29 37,-15 C41,-8 45,-5 51,-3 C53,-1 53,3 51,5 C45,6 41,9 37,15 C29,29 14,34 0,34 C-14,34 -29,29 -38,15 C-43,9 -46,6 -52,1Z";

/** An oval with a nipple at either end. */
export function drawLemon(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, LEMON_SKIN);
  const skin = poredSkin(sketch, LEMON_OUTLINE, colour, { rx: 44, ry: 33 });
  const whole = random.chance(0.3) ? leaf(sketch, { x: -50, y: 1 }, 24, random.within(-70, -30)) + skin : skin;
  return withHalf(sketch, whole, citrusHalf(sketch, 42, colour, varied(random, LEMON_FLESH)));
}

const LIME_SKINS: readonly Colour[] = [
  { hue: 92, saturation: 62, lightness: 34 },
  { hue: 84, saturation: 62, lightness: 42 },
];
const LIME_FLESH: Colour = { hue: 76, saturation: 62, lightness: 66 };
const LIME_SCAR: Colour = { hue: 50, saturation: 35, lightness: 40 };
const LIME_OUTLINE =
  "M-44,0 C-43,-24 -24,-37 0,-37 C22,-37 38,-26 43,-7 C46,-4 48,-2 48,1 C48,4 45,6 43,8 C38,27 22,37 0,37 C-24,37 -43,24 -44,0Z";

/** Greener and rounder than a lemon, with a nipple at one end and the stalk's scar at the other. */
export function drawLime(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(LIME_SKINS));
  const scar = svg`<ellipse cx="-39" cy="0" rx="2.2" ry="4.5" fill="${css(LIME_SCAR)}"/>`;
  const whole = poredSkin(sketch, LIME_OUTLINE, colour, { rx: 44, ry: 36 }) + scar;
  return withHalf(sketch, whole, citrusHalf(sketch, 42, colour, varied(random, LIME_FLESH)));
}

const ORANGE_SKIN: Colour = { hue: 27, saturation: 92, lightness: 51 };
const ORANGE_FLESH: Colour = { hue: 32, saturation: 95, lightness: 58 };
const ORANGE_STALK_END: Colour = { hue: 95, saturation: 35, lightness: 32 };
const ORANGE_OUTLINE = "M0,-43 C25,-43 44,-24 44,0 C44,25 24,43 0,43 C-24,43 -44,25 -44,0 C-44,-24 -25,-43 0,-43Z";

/** A ball with pores and the little star where its stalk was. */
export function drawOrange(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, ORANGE_SKIN);
  const star = Array.from(
    { length: 5 },
    (_, index) => svg`<ellipse cx="2.4" cy="0" rx="2.6" ry="1.1" transform="rotate(${72 * index})"/>`,
  );
  const hollow = sketch.rings([
    [0, css(darker(colour, 18), 0.7)],
    [1, css(darker(colour, 18), 0)],
  ]);
  const end = svg`<g transform="translate(${random.within(-14, 14)} ${random.within(-32, -22)}) scale(1 0.75)"><circle r="9" fill="${hollow}"/><g fill="${css(ORANGE_STALK_END)}">${star}</g>${random.chance(0.4) ? leaf(sketch, { x: 0, y: 0 }, random.within(24, 32), random.within(-60, 0)) : ""}</g>`;
  const whole = poredSkin(sketch, ORANGE_OUTLINE, colour, { rx: 44, ry: 43 }) + end;
  return withHalf(sketch, whole, citrusHalf(sketch, 46, colour, varied(random, ORANGE_FLESH)));
}

/** What the whole fruits of the family share: a skin full of pores over an outline that fills the given ellipse. */
function poredSkin(sketch: Sketch, outline: string, colour: Colour, reach: { rx: number; ry: number }): string {
  const pits = sketch.dots(80, reach, 0.75, css(darker(colour, 16), 0.45));
  const gleams = sketch.dots(50, reach, 0.6, css(lighter(colour, 24), 0.5));
  return svg`<path d="${outline}" fill="${sketch.volume(colour)}"/>${sketch.clipped(outline, pits + gleams)}${sketch.gleam({ x: 0, y: 0 }, reach.ry, sketch.random.within(0.4, 0.7))}`;
}

/** A half, seen from its cut: rind, pith and segments about the origin. */
function citrusHalf(sketch: Sketch, radius: number, rind: Colour, flesh: Colour): string {
  const { random } = sketch;
  const count = random.between(8, 11);
  const turn = random.within(0, 360);
  const paint = sketch.bands(
    [
      [0, css(lighter(flesh, 10))],
      [1, css(darker(flesh, 6))],
    ],
    { x: 0, y: 0 },
    { x: 1, y: 0 },
  );
  const half = (0.8 * Math.PI) / count;
  const outer = 0.84 * radius;
  const segments = Array.from({ length: count }, (_, index) => {
    const degrees = turn + (360 * index) / count;
    return svg`<path d="M${0.08 * radius},0 L${outer * Math.cos(half)},${-outer * Math.sin(half)} Q${1.12 * outer},0 ${outer * Math.cos(half)},${outer * Math.sin(half)}Z" transform="rotate(${degrees})"/>`;
  });
  return svg`<circle r="${radius}" fill="${css(darker(rind, 4))}"/><circle r="${0.95 * radius}" fill="${css({ ...flesh, saturation: 45, lightness: 90 })}"/><g fill="${paint}" stroke="${paint}" stroke-width="0.6" stroke-linejoin="round">${segments}</g>`;
}

/** A whole fruit, or one with a half before it. */
function withHalf(sketch: Sketch, whole: string, half: string): string {
  if (sketch.random.chance(0.55)) return whole;
  const side = sketch.random.pick([-1, 1]);
  return svg`<g transform="translate(${-12 * side} -10) scale(0.82)">${whole}</g><g transform="translate(${20 * side} 18) scale(0.66)">${half}</g>`;
}
