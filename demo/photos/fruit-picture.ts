import { Random } from "#lib/runtime/random.ts";
import { drawBackground } from "./background.ts";
import { css } from "./colour.ts";
import { FRUIT_KINDS, type FruitKind } from "./fruit-kinds.ts";
import { Sketch, svg } from "./sketch.ts";

export interface FruitPicture {
  readonly kind: FruitKind;
  /** The elements of an SVG document whose view is the square from 0, 0 to 100, 100. */
  readonly markup: string;
}

/**
 * Draws the picture of that index in the set that belongs to the seed. It depends on nothing else: a longer set begins
 * like a shorter one, and pictures can be drawn in any order. The kinds take turns.
 */
export function drawFruitPicture(seed: number, index: number): FruitPicture {
  const kind = FRUIT_KINDS[index % FRUIT_KINDS.length]!;
  const random = new Random(seedOfPicture(seed, index));
  const lightAngle = random.within(-0.85, -0.15) * Math.PI;
  const scene = new Sketch(random, { x: Math.cos(lightAngle), y: Math.sin(lightAngle) });

  const background = drawBackground(scene);
  const degrees = random.within(-40, 40);
  const scale = random.within(0.64, 0.86);
  const fruit = kind.draw(scene.turned(degrees));
  const at = { x: 50 + random.within(-6, 6), y: 50 + random.within(-5, 5) };
  const placed = svg`<g filter="${shadow(scene)}"><g transform="translate(${at.x} ${at.y}) rotate(${degrees}) scale(${scale})">${fruit}</g></g>`;
  const light = svg`<rect width="100" height="100" fill="${ambience(scene)}"/>`;
  return { kind, markup: svg`<defs>${scene.definitions}</defs>${background}${placed}${light}` };
}

/** Spreads neighbouring seeds and indices over all of the generator's states, so that their pictures are unrelated. */
function seedOfPicture(seed: number, index: number): number {
  return Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
}

/** Falls away from the light, soft as on a cloudy day. */
function shadow(scene: Sketch): string {
  const { x, y } = scene.light;
  return scene.define(
    (id) =>
      svg`<filter id="${id}" x="-0.3" y="-0.3" width="1.6" height="1.6"><feDropShadow dx="${-4 * x}" dy="${-4 * y}" stdDeviation="2.6" flood-color="black" flood-opacity="${scene.random.within(0.35, 0.6)}"/></filter>`,
  );
}

/** Warm or cold light from one side, and less of it at the other. */
function ambience(scene: Sketch): string {
  const { x, y } = scene.light;
  const warmth = { hue: scene.random.pick([40, 210]), saturation: 80, lightness: 78 };
  return scene.bands(
    [
      [0, css(warmth, scene.random.within(0, 0.22))],
      [0.5, css(warmth, 0)],
      [1, `rgba(0, 0, 0, ${scene.random.within(0, 0.3).toFixed(3)})`],
    ],
    { x: 0.5 + 0.5 * x, y: 0.5 + 0.5 * y },
    { x: 0.5 - 0.5 * x, y: 0.5 - 0.5 * y },
  );
}
