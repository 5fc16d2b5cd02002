import { type Colour, css, darker, varied } from "../colour.ts";
import { leaf, stem } from "../greenery.ts";
import { type Sketch, svg } from "../sketch.ts";

const APPLE_SKINS: readonly { readonly skin: Colour; readonly blush: Colour }[] = [
  { skin: { hue: 356, saturation: 72, lightness: 42 }, blush: { hue: 42, saturation: 80, lightness: 60 } },
  { skin: { hue: 78, saturation: 58, lightness: 48 }, blush: { hue: 62, saturation: 70, lightness: 62 } },
  { skin: { hue: 48, saturation: 72, lightness: 58 }, blush: { hue: 5, saturation: 75, lightness: 48 } },
];

const APPLE_OUTLINE =
  "M0,-31 C8,-43 41,-45 44,-12 C47,15 28,46 12,45 C6,45 4,42 0,42 C-4,42 -6,45 -12,45 C-28,46 -47,15 -44,-12 C-41,-45 -8,-43 0,-31Z";

/** Broad shoulders, a dip with a stem, streaks from pole to pole. */
export function drawApple(sketch: Sketch): string {
  const { random } = sketch;
  const { skin, blush } = random.pick(APPLE_SKINS);
  const colour = varied(random, skin);
  const cheek = sketch.rings([
    [0, css(blush, 0.75)],
    [1, css(blush, 0)],
  ]);
  const dip = sketch.rings([
    [0, css(darker(colour, 26), 0.9)],
    [1, css(darker(colour, 26), 0)],
  ]);
  const side = random.within(-22, 22);
  return svg`<path d="${APPLE_OUTLINE}" fill="${sketch.volume(colour)}"/>${sketch.clipped(
    APPLE_OUTLINE,
    svg`<ellipse cx="${side}" cy="${random.within(-10, 24)}" rx="34" ry="36" fill="${cheek}"/>${streaks(sketch, blush)}<ellipse cx="0" cy="-31" rx="17" ry="9" fill="${dip}"/>`,
  )}${sketch.gleam({ x: 0, y: 2 }, 42, random.within(0.5, 0.8))}${stem(sketch, { x: 0, y: -29 }, { x: random.within(-7, 7), y: -49 }, 3.4)}${random.chance(0.6) ? leaf(sketch, { x: 1, y: -38 }, random.within(22, 30), random.within(-40, 5)) : ""}`;
}

function streaks({ random }: Sketch, blush: Colour): string {
  const lines = Array.from({ length: 22 }, () => {
    const x = random.within(-44, 44);
    const top = random.within(-34, -18);
    const bottom = random.within(0, 40);
    return svg`<path d="M${0.35 * x},${top} Q${1.1 * x},${(top + bottom) / 2} ${0.8 * x},${bottom}" stroke-width="${random.within(0.5, 1.8)}"/>`;
  });
  return svg`<g fill="none" stroke="${css(blush, 0.28)}">${lines}</g>`;
}

const PEAR_SKINS: readonly Colour[] = [
  { hue: 66, saturation: 55, lightness: 52 },
  { hue: 78, saturation: 48, lightness: 45 },
  { hue: 42, saturation: 50, lightness: 48 },
];
const PEAR_BLUSH: Colour = { hue: 14, saturation: 65, lightness: 48 };

const PEAR_OUTLINE =
  "M0,-42 C10,-42 14,-33 16,-22 C19,-7 38,5 37,25 C36,43 18,48 0,48 C-18,48 -36,43 -37,25 C-38,5 -19,-7 -16,-22 C-14,-33 -10,-42 0,-42Z";

/** A slender neck on a round belly, freckled. */
export function drawPear(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(PEAR_SKINS));
  const cheek = sketch.rings([
    [0, css(PEAR_BLUSH, random.within(0, 0.5))],
    [1, css(PEAR_BLUSH, 0)],
  ]);
  const freckles = sketch.dots(90, { rx: 38, ry: 48 }, 0.8, css(darker(colour, 20), 0.5));
  return svg`<path d="${PEAR_OUTLINE}" fill="${sketch.volume(colour)}"/>${sketch.clipped(
    PEAR_OUTLINE,
    svg`<ellipse cx="${random.within(-22, 22)}" cy="18" rx="26" ry="34" fill="${cheek}"/>${freckles}`,
  )}${sketch.gleam({ x: 0, y: 20 }, 34, random.within(0.45, 0.7))}${sketch.gleam({ x: 0, y: -22 }, 14, 0.35)}${stem(sketch, { x: 0, y: -41 }, { x: random.within(-8, 8), y: -55 }, 2.8)}${random.chance(0.4) ? leaf(sketch, { x: 1, y: -46 }, random.within(18, 24), random.within(-30, 20)) : ""}`;
}
