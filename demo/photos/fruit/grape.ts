import { type Colour, varied } from "../colour.ts";
import { leaf, stem } from "../greenery.ts";
import { svg } from "../markup.ts";
import type { Sketch } from "../sketch.ts";

const SKINS: readonly Colour[] = [
  { hue: 282, saturation: 38, lightness: 30 },
  { hue: 258, saturation: 36, lightness: 27 },
  { hue: 78, saturation: 48, lightness: 54 },
];
/** Berries in each row of a bunch, from the stem down. */
const BERRIES_IN_ROW = [4, 5, 5, 4, 4, 3, 2, 1];
const BERRY_RADIUS = 9.2;

/** A hanging bunch of berries. */
export function drawGrape(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(SKINS));
  // A few paints for all berries: enough to look different, few enough to be quick.
  const paints = Array.from({ length: 4 }, () => sketch.volume(varied(random, colour)));
  const gleam = sketch.gleam({ x: 0, y: 0 }, BERRY_RADIUS, 0.75);
  const berries = BERRIES_IN_ROW.flatMap((count, row) =>
    Array.from({ length: count }, (_, column) => {
      const x = (column - (count - 1) / 2) * 15.5 + random.within(-2, 2);
      const y = -27 + row * 10.2 + random.within(-1.5, 1.5);
      return svg`<g transform="translate(${x} ${y})"><ellipse rx="${BERRY_RADIUS}" ry="${BERRY_RADIUS * 1.06}" fill="${random.pick(paints)}"/>${gleam}</g>`;
    }),
  );
  return svg`${stem(sketch, { x: 0, y: -28 }, { x: random.within(-5, 5), y: -50 }, 3)}${random.chance(0.6) ? leaf(sketch, { x: 1, y: -38 }, 30, random.within(-30, 30)) : ""}${berries}`;
}
