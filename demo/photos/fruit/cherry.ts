import { type Colour, css, darker, varied } from "../colour.ts";
import { leaf } from "../greenery.ts";
import { svg } from "../markup.ts";
import type { Point, Sketch } from "../sketch.ts";

const SKINS: readonly Colour[] = [
  { hue: 350, saturation: 80, lightness: 32 },
  { hue: 346, saturation: 72, lightness: 23 },
];
const STALK: Colour = { hue: 84, saturation: 40, lightness: 36 };
const OUTLINE = "M0,-16 C6,-22 21,-20 22,-3 C23,12 12,22 0,22 C-12,22 -23,12 -22,-3 C-21,-20 -6,-22 0,-16Z";

/** Two on long stalks that meet, with a leaf there as often as not. */
export function drawCherry(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(SKINS));
  const knot = { x: random.within(-4, 10), y: -46 };
  const places = [
    { x: random.within(-26, -22), y: random.within(18, 26) },
    { x: random.within(20, 25), y: random.within(20, 27) },
  ];
  const cherries = places.map((place) => oneCherry(sketch, colour, place));
  const stalks = places.map(({ x, y }) => {
    const foot = { x, y: y - 15 };
    return svg`<path d="M${foot.x},${foot.y} C${foot.x},${foot.y - 22} ${0.4 * x + knot.x},${-30} ${knot.x},${knot.y}"/>`;
  });
  return svg`${cherries}<g fill="none" stroke="${css(STALK)}" stroke-width="2" stroke-linecap="round">${stalks}</g><circle cx="${knot.x}" cy="${knot.y}" r="2.6" fill="${css(darker(STALK, 10))}"/>${random.chance(0.5) ? leaf(sketch, knot, 32, random.within(0, 40)) : ""}`;
}

function oneCherry(sketch: Sketch, colour: Colour, { x, y }: Point): string {
  const dip = sketch.rings([
    [0, css(darker(colour, 20), 0.9)],
    [1, css(darker(colour, 20), 0)],
  ]);
  return svg`<g transform="translate(${x} ${y})"><path d="${OUTLINE}" fill="${sketch.volume(colour)}"/><ellipse cx="0" cy="-14" rx="8" ry="4" fill="${dip}"/>${sketch.gleam({ x: 0, y: 2 }, 21, 0.85)}</g>`;
}
