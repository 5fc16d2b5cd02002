import type { Random } from "#lib/runtime/random.ts";

/** Hue in degrees; saturation and lightness in per cent. */
export interface Colour {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

/** As CSS writes it; an alpha below 1 lets through what lies below. */
export function css({ hue, saturation, lightness }: Colour, alpha = 1): string {
  const parts = `${hue.toFixed(1)}, ${inPercent(saturation)}, ${inPercent(lightness)}`;
  return alpha === 1 ? `hsl(${parts})` : `hsla(${parts}, ${alpha.toFixed(3)})`;
}

export function lighter(colour: Colour, byPercent: number): Colour {
  return { ...colour, lightness: colour.lightness + byPercent };
}

export function darker(colour: Colour, byPercent: number): Colour {
  return lighter(colour, -byPercent);
}

/** A colour near the given one, as two fruits of one tree differ. */
export function varied(random: Random, { hue, saturation, lightness }: Colour): Colour {
  return {
    hue: hue + random.within(-5, 5),
    saturation: saturation + random.within(-8, 8),
    lightness: lightness + random.within(-4, 4),
  };
}

function inPercent(value: number): string {
  return `${Math.min(100, Math.max(0, value)).toFixed(1)}%`;
}
