import { type Colour, css, darker, varied } from "../colour.ts";
import { leaf, stem } from "../greenery.ts";
import { type Point, type Sketch, svg } from "../sketch.ts";

const CHERRY_SKINS: readonly Colour[] = [
  { hue: 350, saturation: 80, lightness: 32 },
  { hue: 346, saturation: 72, lightness: 23 },
];
const CHERRY_STALK: Colour = { hue: 84, saturation: 40, lightness: 36 };
const CHERRY_OUTLINE = "M0,-16 C6,-22 21,-20 22,-3 C23,12 12,22 0,22 C-12,22 -23,12 -22,-3 C-21,-20 -6,-22 0,-16Z";

/** Two on long stalks that meet, with a leaf there as often as not. */
export function drawCherry(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, random.pick(CHERRY_SKINS));
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
  return svg`${cherries}<g fill="none" stroke="${css(CHERRY_STALK)}" stroke-width="2" stroke-linecap="round">${stalks}</g><circle cx="${knot.x}" cy="${knot.y}" r="2.6" fill="${css(darker(CHERRY_STALK, 10))}"/>${random.chance(0.5) ? leaf(sketch, knot, 32, random.within(0, 40)) : ""}`;
}

function oneCherry(sketch: Sketch, colour: Colour, { x, y }: Point): string {
  const dip = sketch.rings([
    [0, css(darker(colour, 20), 0.9)],
    [1, css(darker(colour, 20), 0)],
  ]);
  return svg`<g transform="translate(${x} ${y})"><path d="${CHERRY_OUTLINE}" fill="${sketch.volume(colour)}"/><ellipse cx="0" cy="-14" rx="8" ry="4" fill="${dip}"/>${sketch.gleam({ x: 0, y: 2 }, 21, 0.85)}</g>`;
}

const GRAPE_SKINS: readonly Colour[] = [
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
  const colour = varied(random, random.pick(GRAPE_SKINS));
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

const STRAWBERRY_FLESH: Colour = { hue: 354, saturation: 82, lightness: 46 };
const SEED: Colour = { hue: 46, saturation: 75, lightness: 64 };
const STRAWBERRY_OUTLINE =
  "M0,49 C-14,46 -41,12 -41,-10 C-41,-29 -20,-35 0,-31 C20,-35 41,-29 41,-10 C41,12 14,46 0,49Z";
const SEED_ROW_DISTANCE = 9.5;

/** A cone with seeds in rows, and a collar of green leaves. */
export function drawStrawberry(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, STRAWBERRY_FLESH);
  const collar = Array.from({ length: 8 }, (_, index) =>
    leaf(sketch, { x: 0, y: -31 }, random.within(18, 27), -170 + index * 50 + random.within(-8, 8)),
  );
  return svg`<path d="${STRAWBERRY_OUTLINE}" fill="${sketch.volume(colour)}"/>${sketch.clipped(STRAWBERRY_OUTLINE, seeds(sketch, colour))}${sketch.gleam({ x: 0, y: -2 }, 36, random.within(0.45, 0.75))}${stem(sketch, { x: 0, y: -31 }, { x: random.within(-8, 8), y: -48 }, 2.2)}${collar}`;
}

function seeds({ random }: Sketch, colour: Colour): string {
  const rows = Array.from({ length: 8 }, (_, row) => {
    const y = -20 + row * SEED_ROW_DISTANCE;
    const shift = row % 2 === 0 ? 0 : SEED_ROW_DISTANCE / 2;
    return Array.from({ length: 9 }, (_, column) => {
      const x = (column - 4) * SEED_ROW_DISTANCE + shift + random.within(-1, 1);
      return svg`<g transform="translate(${x} ${y + random.within(-1, 1)}) rotate(${-0.5 * x})"><ellipse rx="2.1" ry="2.9" fill="${css(darker(colour, 14))}"/><ellipse rx="1.2" ry="1.9" fill="${css(SEED)}"/></g>`;
    });
  });
  return rows.flat().join("");
}
