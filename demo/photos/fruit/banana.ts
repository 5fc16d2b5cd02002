import { type Colour, css, darker, lighter, varied } from "../colour.ts";
import { type Sketch, svg } from "../sketch.ts";

const PEELS: readonly Colour[] = [
  { hue: 50, saturation: 88, lightness: 54 },
  { hue: 54, saturation: 80, lightness: 58 },
  { hue: 64, saturation: 66, lightness: 50 },
];
const BROWN: Colour = { hue: 28, saturation: 45, lightness: 20 };

/** The stalk is at the upper left, the tip at the right; the inside of the bend looks up. */
const OUTLINE =
  "M-47,-34 L-40,-36 C-37,-27 -36,-24 -30,-16 C-14,6 12,14 38,2 L46,0 L48,7 L42,13 C14,38 -24,32 -40,-8 C-44,-18 -44,-26 -47,-34Z";
const STALK = "M-47,-34 L-40,-36 C-38,-30 -37,-27 -35,-23 L-43,-20 C-45,-27 -45,-29 -47,-34Z";
const TIP = "M46,0 L48,7 L42,12 L39,3Z";
const EDGE = "M-40,-22 C-28,8 6,26 43,7";
const HAND_TURN_DEGREES = 17;

/** A bent fruit with edges, alone or two or three of one hand. */
export function drawBanana(sketch: Sketch): string {
  const peel = varied(sketch.random, sketch.random.pick(PEELS));
  const count = sketch.random.pick([1, 1, 2, 3]);
  const hand = Array.from({ length: count }, (_, index) => {
    const degrees = (index - (count - 1) / 2) * HAND_TURN_DEGREES;
    return svg`<g transform="rotate(${degrees} -43 -30)">${oneBanana(sketch.turned(degrees), peel)}</g>`;
  });
  return svg`<g transform="translate(0 ${4 - 2 * count})">${hand}</g>`;
}

function oneBanana(sketch: Sketch, peel: Colour): string {
  const { random } = sketch;
  const paint = sketch.bands(
    [
      [0, css(lighter(peel, 10))],
      [0.5, css(peel)],
      [1, css(darker(peel, 20))],
    ],
    { x: 0.6, y: 0.15 },
    { x: 0.35, y: 0.95 },
  );
  const spots = Array.from({ length: random.between(0, 26) }, () => {
    const x = random.within(-36, 40);
    return svg`<ellipse cx="${x}" cy="${random.within(-14, 28)}" rx="${random.within(0.5, 2.4)}" ry="${random.within(0.4, 1.2)}"/>`;
  });
  return svg`<path d="${OUTLINE}" fill="${paint}"/>${sketch.clipped(
    OUTLINE,
    svg`<path d="${EDGE}" fill="none" stroke="${css(darker(peel, 16), 0.8)}" stroke-width="1.6"/><path d="${EDGE}" fill="none" stroke="${css(lighter(peel, 24), 0.55)}" stroke-width="4" transform="translate(1 -6)"/><g fill="${css(BROWN, 0.6)}">${spots}</g>`,
  )}<path d="${STALK}" fill="${css(darker({ ...peel, hue: peel.hue + 12 }, 18))}"/><path d="M-47.5,-33.5 L-39.5,-36" stroke="${css(BROWN)}" stroke-width="2.4"/><path d="${TIP}" fill="${css(BROWN)}"/>`;
}
