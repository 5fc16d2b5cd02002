import { type Colour, css, darker, lighter } from "../colour.ts";
import { svg } from "../markup.ts";
import type { Sketch } from "../sketch.ts";

/** What the whole fruits of the family share: a skin full of pores over an outline that fills the given ellipse. */
export function poredSkin(sketch: Sketch, outline: string, colour: Colour, reach: { rx: number; ry: number }): string {
  const pits = sketch.dots(80, reach, 0.75, css(darker(colour, 16), 0.45));
  const gleams = sketch.dots(50, reach, 0.6, css(lighter(colour, 24), 0.5));
  return svg`<path d="${outline}" fill="${sketch.volume(colour)}"/>${sketch.clipped(outline, pits + gleams)}${sketch.gleam({ x: 0, y: 0 }, reach.ry, sketch.random.within(0.4, 0.7))}`;
}

/** A half, seen from its cut: rind, pith and segments about the origin. */
export function citrusHalf(sketch: Sketch, radius: number, rind: Colour, flesh: Colour): string {
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
export function withHalf(sketch: Sketch, whole: string, half: string): string {
  if (sketch.random.chance(0.55)) return whole;
  const side = sketch.random.pick([-1, 1]);
  return svg`<g transform="translate(${-12 * side} -10) scale(0.82)">${whole}</g><g transform="translate(${20 * side} 18) scale(0.66)">${half}</g>`;
}
