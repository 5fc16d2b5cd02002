import { type Colour, css, darker, varied } from "../colour.ts";
import { leaf, stem } from "../greenery.ts";
import { svg } from "../markup.ts";
import type { Sketch } from "../sketch.ts";

const FLESH: Colour = { hue: 354, saturation: 82, lightness: 46 };
const SEED: Colour = { hue: 46, saturation: 75, lightness: 64 };
const OUTLINE = "M0,49 C-14,46 -41,12 -41,-10 C-41,-29 -20,-35 0,-31 C20,-35 41,-29 41,-10 C41,12 14,46 0,49Z";
const SEED_ROW_DISTANCE = 9.5;

/** A cone with seeds in rows, and a collar of green leaves. */
export function drawStrawberry(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, FLESH);
  const collar = Array.from({ length: 8 }, (_, index) =>
    leaf(sketch, { x: 0, y: -31 }, random.within(18, 27), -170 + index * 50 + random.within(-8, 8)),
  );
  return svg`<path d="${OUTLINE}" fill="${sketch.volume(colour)}"/>${sketch.clipped(OUTLINE, seeds(sketch, colour))}${sketch.gleam({ x: 0, y: -2 }, 36, random.within(0.45, 0.75))}${stem(sketch, { x: 0, y: -31 }, { x: random.within(-8, 8), y: -48 }, 2.2)}${collar}`;
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
