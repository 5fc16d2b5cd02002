import { type Colour, css, darker, lighter, varied } from "../colour.ts";
import { type Sketch, svg } from "../sketch.ts";

const SKIN: Colour = { hue: 32, saturation: 36, lightness: 34 };
const FLESH: Colour = { hue: 80, saturation: 62, lightness: 44 };
const CORE: Colour = { hue: 66, saturation: 45, lightness: 86 };
const SIDE = { rx: 42, ry: 34 };

/** A half with its ring of seeds, often with a whole brown one behind it. */
export function drawKiwi(sketch: Sketch): string {
  const skin = varied(sketch.random, SKIN);
  const cut = half(sketch, skin);
  if (sketch.random.chance(0.4)) return cut;
  const side = sketch.random.pick([-1, 1]);
  return svg`<g transform="translate(${14 * side} -16) scale(0.84)">${whole(sketch, skin)}</g><g transform="translate(${-12 * side} 12) scale(0.82)">${cut}</g>`;
}

function half(sketch: Sketch, skin: Colour): string {
  const { random } = sketch;
  const flesh = varied(random, FLESH);
  const paint = sketch.rings([
    [0, css(CORE)],
    [0.22, css(lighter(flesh, 26))],
    [0.45, css(lighter(flesh, 4))],
    [0.85, css(flesh)],
    [1, css(lighter(flesh, 12))],
  ]);
  const rays = Array.from(
    { length: 36 },
    (_, index) => svg`<path d="M11,0 L${random.within(28, 39)},0" transform="rotate(${10 * index})"/>`,
  );
  const seeds = Array.from({ length: 34 }, (_, index) => {
    const degrees = (360 / 34) * index + random.within(-4, 4);
    return svg`<ellipse rx="2.2" ry="1.1" transform="rotate(${degrees}) translate(${random.within(14.5, 22)} 0)"/>`;
  });
  const core = svg`<ellipse rx="9.5" ry="7.5" fill="${css(CORE)}"/>`;
  return svg`<g transform="scale(1 ${random.within(0.88, 1)})"><circle r="45" fill="${css(skin)}"/><circle r="42.5" fill="${paint}"/><g stroke="${css(lighter(flesh, 24), 0.5)}" stroke-width="0.9">${rays}</g>${core}<g fill="hsl(90, 20%, 9%)">${seeds}</g></g>`;
}

/** Fuzzy: short hairs over a dull skin. */
function whole(sketch: Sketch, skin: Colour): string {
  const { random } = sketch;
  const hairs = Array.from({ length: 110 }, () => {
    const { x, y } = sketch.pointWithin(SIDE);
    return svg`<path d="M${x},${y} l${random.within(1, 3.5)},${random.within(-1.5, 1.5)}"/>`;
  });
  return svg`<ellipse rx="${SIDE.rx}" ry="${SIDE.ry}" fill="${sketch.volume(skin)}"/><g stroke="${css(lighter(skin, 16), 0.5)}" stroke-width="0.5">${hairs}</g><ellipse cx="${SIDE.rx - 4}" cy="0" rx="2.5" ry="5" fill="${css(darker(skin, 16))}"/>`;
}
