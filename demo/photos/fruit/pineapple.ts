import { type Colour, css, darker, lighter, varied } from "../colour.ts";
import { type Sketch, svg } from "../sketch.ts";

const SKIN: Colour = { hue: 38, saturation: 72, lightness: 47 };
const CROWN: Colour = { hue: 112, saturation: 32, lightness: 32 };
const OUTLINE = "M0,-18 C18,-18 28,-4 28,16 C28,38 17,50 0,50 C-17,50 -28,38 -28,16 C-28,-4 -18,-18 0,-18Z";
const EYE_DISTANCE = 11;

/** A barrel of eyes under a crown of pointed leaves. */
export function drawPineapple(sketch: Sketch): string {
  const { random } = sketch;
  const colour = varied(random, SKIN);
  return svg`${crown(sketch)}<path d="${OUTLINE}" fill="${sketch.volume(colour)}"/>${sketch.clipped(OUTLINE, eyes(sketch, colour))}${sketch.gleam({ x: 0, y: 16 }, 26, 0.35)}`;
}

/** Diamonds between two sets of diagonals, each with a dry scale in its middle. */
function eyes({ random }: Sketch, colour: Colour): string {
  const diagonals = Array.from({ length: 13 }, (_, index) => {
    const x = (index - 6) * EYE_DISTANCE;
    return svg`<path d="M${x - 40},${56} L${x + 40},${-24} M${x + 40},${56} L${x - 40},${-24}"/>`;
  });
  const scales = Array.from({ length: 15 }, (_, row) =>
    Array.from({ length: 7 }, (_, column) => {
      const x = (column - 3) * EYE_DISTANCE + (row % 2 === 0 ? 0 : EYE_DISTANCE / 2);
      const y = 16 + (row - 7) * (EYE_DISTANCE / 2);
      return svg`<ellipse cx="${x}" cy="${y + 0.8}" rx="${random.within(1.6, 2.3)}" ry="${random.within(1.1, 1.7)}"/>`;
    }),
  );
  return svg`<g stroke="${css(darker(colour, 22), 0.85)}" stroke-width="1.5">${diagonals}</g><g stroke="${css(lighter(colour, 18), 0.4)}" stroke-width="0.8" transform="translate(0 1.6)">${diagonals}</g><g fill="${css({ ...darker(colour, 20), hue: 28 }, 0.9)}">${scales.flat()}</g>`;
}

function crown({ random }: Sketch): string {
  const leaves = Array.from({ length: 17 }, (_, index) => {
    const spread = 1 - index / 17;
    const degrees = (index % 2 === 0 ? 1 : -1) * spread * random.within(45, 72);
    const length = random.within(28, 36) + 5 * (1 - spread);
    const green = varied(random, CROWN);
    const bend = Math.sign(degrees) * spread * 7;
    return svg`<path d="M-4.2,0 C-4.5,${-0.4 * length} ${bend - 2},${-0.7 * length} ${1.6 * bend},${-length} C${bend + 2},${-0.6 * length} 4.5,${-0.4 * length} 4.2,0Z" fill="${css(green)}" stroke="${css(darker(green, 12))}" stroke-width="0.6" transform="translate(0 -14) rotate(${degrees})"/>`;
  });
  return leaves.join("");
}
