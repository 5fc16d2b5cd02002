import { type Colour, css, darker, lighter, varied } from "../colour.ts";
import { type Sketch, svg } from "../sketch.ts";

const RIND: Colour = { hue: 118, saturation: 45, lightness: 27 };
const STRIPE: Colour = { hue: 84, saturation: 42, lightness: 58 };
const PITH: Colour = { hue: 78, saturation: 50, lightness: 84 };
const FLESH: Colour = { hue: 354, saturation: 78, lightness: 57 };

/** A slice with seeds, or the whole striped fruit. */
export function drawWatermelon(sketch: Sketch): string {
  const rind = varied(sketch.random, RIND);
  return sketch.random.chance(0.65) ? slice(sketch, rind) : whole(sketch, rind);
}

/** From a wedge to a half disc, its middle at the top. */
function slice(sketch: Sketch, rind: Colour): string {
  const { random } = sketch;
  const halfAngle = (random.within(48, 90) * Math.PI) / 180;
  const radius = 50 / Math.max(Math.sin(halfAngle), 0.72);
  const sector = (r: number) =>
    svg`M0,0 L${r * Math.sin(halfAngle)},${r * Math.cos(halfAngle)} A${r},${r} 0 0 1 ${-r * Math.sin(halfAngle)},${r * Math.cos(halfAngle)}Z`;
  const flesh = varied(random, FLESH);
  const paint = sketch.bands(
    [
      [0, css(darker(flesh, 3))],
      [0.75, css(flesh)],
      [1, css(lighter(flesh, 14))],
    ],
    { x: 0.5, y: 0 },
    { x: 0.5, y: 1 },
  );
  const seeds = Array.from({ length: Math.round(9 * halfAngle) }, (_, index) => {
    const angle = random.within(-0.82, 0.82) * halfAngle;
    const distance = radius * (index % 2 === 0 ? random.within(0.35, 0.52) : random.within(0.6, 0.74));
    const degrees = (-angle * 180) / Math.PI;
    return svg`<path d="M0,-3.2 C2.2,-0.6 2.2,2.6 0,2.8 C-2.2,2.6 -2.2,-0.6 0,-3.2Z" transform="rotate(${degrees}) translate(0 ${distance})"/>`;
  });
  const rings = [
    [radius, css(rind)],
    [0.95 * radius, css(STRIPE)],
    [0.91 * radius, css(PITH)],
    [0.86 * radius, paint],
  ] as const;
  const layers = rings.map(([r, fill]) => svg`<path d="${sector(r)}" fill="${fill}"/>`);
  return svg`<g transform="translate(0 ${-0.52 * radius})">${layers}<g fill="hsl(15, 40%, 10%)">${seeds}</g></g>`;
}

const OUTLINE = "M-50,0 C-50,-25 -28,-39 0,-39 C28,-39 50,-25 50,0 C50,25 28,39 0,39 C-28,39 -50,25 -50,0Z";

/** Lying, its stripes from pole to pole. */
function whole(sketch: Sketch, rind: Colour): string {
  const { random } = sketch;
  const stripes = Array.from({ length: 8 }, (_, index) => {
    const bulge = (index - 3.5) * 15;
    const points = Array.from({ length: 15 }, (_, step) => {
      const along = step / 14;
      const y = bulge * Math.sin(Math.PI * along) + random.within(-2, 2);
      return svg`${-50 + 100 * along},${y}`;
    });
    return svg`<polyline points="${points.join(" ")}" stroke-width="${random.within(3, 5.5)}"/>`;
  });
  const { x, y } = sketch.light;
  const shade = sketch.rings(
    [
      [0, "rgba(255, 255, 255, 0.22)"],
      [0.45, "rgba(0, 0, 0, 0)"],
      [1, "rgba(0, 0, 0, 0.55)"],
    ],
    { x: 0.5 + 0.2 * x, y: 0.5 + 0.2 * y },
    0.7,
  );
  return svg`<path d="${OUTLINE}" fill="${css(STRIPE)}"/>${sketch.clipped(OUTLINE, svg`<g fill="none" stroke="${css(rind)}" stroke-linejoin="round">${stripes}</g>`)}<path d="${OUTLINE}" fill="${shade}"/>${sketch.gleam({ x: 0, y: 0 }, 38, 0.5)}`;
}
