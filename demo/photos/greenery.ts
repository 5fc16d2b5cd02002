import { type Colour, css, darker, lighter, varied } from "./colour.ts";
import { type Point, type Sketch, svg } from "./sketch.ts";

const LEAF_GREEN: Colour = { hue: 108, saturation: 45, lightness: 33 };
const BARK: Colour = { hue: 30, saturation: 42, lightness: 24 };

/** A leaf that begins at `base`; at 0 degrees it points to the right. */
export function leaf(sketch: Sketch, base: Point, length: number, degrees: number): string {
  const green = varied(sketch.random, LEAF_GREEN);
  const width = length * sketch.random.within(0.2, 0.3);
  const blade = sketch.bands(
    [
      [0, css(lighter(green, 8))],
      [0.5, css(green)],
      [1, css(darker(green, 8))],
    ],
    { x: 0, y: 0 },
    { x: 0, y: 1 },
  );
  return svg`<g transform="translate(${base.x} ${base.y}) rotate(${degrees})"><path d="M0,0 C${0.25 * length},${-width} ${0.7 * length},${-width} ${length},0 C${0.7 * length},${width} ${0.25 * length},${width} 0,0Z" fill="${blade}"/><path d="M0,0 Q${0.5 * length},${-0.15 * width} ${0.92 * length},0" fill="none" stroke="${css(lighter(green, 16))}" stroke-width="0.8"/></g>`;
}

/** A woody stem along a curve. */
export function stem(sketch: Sketch, from: Point, to: Point, width: number): string {
  const bend = { x: (from.x + to.x) / 2 + sketch.random.within(-3, 3), y: (from.y + to.y) / 2 };
  const curve = svg`M${from.x},${from.y} Q${bend.x},${bend.y} ${to.x},${to.y}`;
  return svg`<path d="${curve}" fill="none" stroke="${css(BARK)}" stroke-width="${width}" stroke-linecap="round"/><path d="${curve}" fill="none" stroke="${css(lighter(BARK, 16))}" stroke-width="${0.3 * width}"/>`;
}
