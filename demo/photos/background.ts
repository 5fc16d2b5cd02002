import { type Colour, css, darker, lighter, varied } from "./colour.ts";
import { type Sketch, svg } from "./sketch.ts";

/** What lies behind the fruit: fills the picture's 100 x 100 units. */
export function drawBackground(sketch: Sketch): string {
  return sketch.random.pick([plain, slope, wood, leaves])(sketch);
}

const CLOTHS: readonly Colour[] = [
  { hue: 40, saturation: 12, lightness: 92 },
  { hue: 210, saturation: 18, lightness: 78 },
  { hue: 30, saturation: 25, lightness: 70 },
  { hue: 220, saturation: 12, lightness: 32 },
  { hue: 160, saturation: 15, lightness: 62 },
];

function plain({ random }: Sketch): string {
  return svg`<rect width="100" height="100" fill="${css(varied(random, random.pick(CLOTHS)))}"/>`;
}

/** A wall above a table, without an edge between them. */
function slope(sketch: Sketch): string {
  const { random } = sketch;
  const paint = sketch.bands(
    [
      [0, css(varied(random, random.pick(CLOTHS)))],
      [1, css(varied(random, random.pick(CLOTHS)))],
    ],
    { x: random.next(), y: 0 },
    { x: random.next(), y: 1 },
  );
  return svg`<rect width="100" height="100" fill="${paint}"/>`;
}

const WOODS: readonly Colour[] = [
  { hue: 28, saturation: 42, lightness: 45 },
  { hue: 32, saturation: 45, lightness: 62 },
  { hue: 22, saturation: 38, lightness: 28 },
];

/** Boards with their grain, at an angle. */
function wood({ random }: Sketch): string {
  const tone = random.pick(WOODS);
  const boards = Array.from({ length: 7 }, (_, index) => {
    const board = varied(random, tone);
    const top = -25 + index * 22;
    const grain = Array.from({ length: 5 }, () => {
      const y = top + random.within(1, 21);
      const [rise, fall] = [random.within(-4, 4), random.within(-4, 4)];
      return svg`<path d="M-30,${y} C10,${y + rise} 70,${y + fall} 130,${y}" stroke-width="${random.within(0.3, 1.1)}"/>`;
    });
    return svg`<rect x="-30" y="${top}" width="160" height="22" fill="${css(board)}"/><g fill="none" stroke="${css(darker(board, 9), 0.6)}">${grain}</g><rect x="-30" y="${top}" width="160" height="0.9" fill="${css(darker(board, 18))}"/>`;
  });
  return svg`<g transform="rotate(${random.within(-16, 16)} 50 50)">${boards}</g>`;
}

const FOLIAGE: Colour = { hue: 105, saturation: 32, lightness: 24 };

/** Leaves that are out of focus: their edges fade, which is cheaper than a blur and looks the same. */
function leaves(sketch: Sketch): string {
  const { random } = sketch;
  const green = varied(random, FOLIAGE);
  const paints = Array.from({ length: 5 }, () => {
    const tone = lighter(varied(random, green), random.within(-8, 26));
    return sketch.rings([
      [0, css(tone, 0.9)],
      [0.6, css(tone, 0.7)],
      [1, css(tone, 0)],
    ]);
  });
  const blurred = Array.from({ length: 26 }, () => {
    const [x, y] = [random.within(0, 100), random.within(0, 100)];
    return svg`<ellipse rx="${random.within(12, 26)}" ry="${random.within(5, 11)}" fill="${random.pick(paints)}" transform="translate(${x} ${y}) rotate(${random.within(0, 180)})"/>`;
  });
  return svg`<rect width="100" height="100" fill="${css(green)}"/>${blurred}`;
}
