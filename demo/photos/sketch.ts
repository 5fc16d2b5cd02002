import type { Random } from "#lib/runtime/random.ts";
import { type Colour, css, darker, lighter } from "./colour.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where along a gradient, from 0 to 1, which CSS colour stands. */
export type Stop = readonly [offset: number, colour: string];

/** What all parts of one picture share: its random choices, where its light comes from, and its gradients. */
export class Sketch {
  readonly random: Random;
  /** Towards the light, of length 1, in the coordinates of whatever is drawn at the moment. */
  readonly light: Point;
  readonly #definitions: string[];

  constructor(random: Random, light: Point, definitions: string[] = []) {
    this.random = random;
    this.light = light;
    this.#definitions = definitions;
  }

  /** The same picture, for parts that will be turned by so much: the light stays where it is. */
  turned(degrees: number): Sketch {
    const angle = (-degrees * Math.PI) / 180;
    const { x, y } = this.light;
    const light = { x: x * Math.cos(angle) - y * Math.sin(angle), y: x * Math.sin(angle) + y * Math.cos(angle) };
    return new Sketch(this.random, light, this.#definitions);
  }

  /** What belongs into the picture's `defs`. */
  get definitions(): string {
    return this.#definitions.join("");
  }

  /** Defines something under an id of its own. Returns the reference to it, as `url(#d3)`. */
  define(markup: (id: string) => string): string {
    const id = `d${this.#definitions.length}`;
    this.#definitions.push(markup(id));
    return `url(#${id})`;
  }

  /** A paint in rings about `centre`; centre and radius are parts of the painted shape's bounding box. */
  rings(stops: readonly Stop[], centre: Point = { x: 0.5, y: 0.5 }, radius = 0.5): string {
    return this.define(
      (id) =>
        svg`<radialGradient id="${id}" cx="${centre.x}" cy="${centre.y}" r="${radius}">${stopMarkup(stops)}</radialGradient>`,
    );
  }

  /** A paint in bands along the direction from `from` to `to`, which are parts of the shape's bounding box. */
  bands(stops: readonly Stop[], from: Point, to: Point): string {
    return this.define(
      (id) =>
        svg`<linearGradient id="${id}" x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}">${stopMarkup(stops)}</linearGradient>`,
    );
  }

  /** The paint of something round: bright towards the light, dark at the far rim. */
  volume(colour: Colour): string {
    const { x, y } = this.light;
    return this.rings(
      [
        [0, css(lighter(colour, 13))],
        [0.4, css(colour)],
        [0.8, css(darker(colour, 12))],
        [1, css(darker(colour, 22))],
      ],
      { x: 0.5 + 0.2 * x, y: 0.5 + 0.2 * y },
      0.72,
    );
  }

  /** A soft reflection of the light on something round of that radius about `centre`. */
  gleam(centre: Point, radius: number, strength: number): string {
    const paint = this.rings([
      [0, `rgba(255, 255, 255, ${strength.toFixed(3)})`],
      [0.35, `rgba(255, 255, 255, ${(0.6 * strength).toFixed(3)})`],
      [1, "rgba(255, 255, 255, 0)"],
    ]);
    const x = centre.x + 0.5 * radius * this.light.x;
    const y = centre.y + 0.5 * radius * this.light.y;
    const along = (Math.atan2(this.light.y, this.light.x) * 180) / Math.PI;
    return svg`<ellipse rx="${0.24 * radius}" ry="${0.36 * radius}" fill="${paint}" transform="translate(${x} ${y}) rotate(${along})"/>`;
  }

  /** Draws markup only where the path is. */
  clipped(path: string, markup: string): string {
    const clip = this.define((id) => `<clipPath id="${id}"><path d="${path}"/></clipPath>`);
    return `<g clip-path="${clip}">${markup}</g>`;
  }

  /** Small dots strewn over an ellipse about the origin, as pores and lenticels lie. */
  dots(count: number, reach: { rx: number; ry: number }, radiusMax: number, fill: string): string {
    const dots = Array.from({ length: count }, () => {
      const { x, y } = this.pointWithin(reach);
      return svg`<circle cx="${x}" cy="${y}" r="${this.random.within(0.4, 1) * radiusMax}"/>`;
    });
    return svg`<g fill="${fill}">${dots}</g>`;
  }

  /** A point of an ellipse about the origin, all of its area being equally likely. */
  pointWithin({ rx, ry }: { rx: number; ry: number }): Point {
    const angle = this.random.within(0, 2 * Math.PI);
    const distance = Math.sqrt(this.random.next());
    return { x: rx * distance * Math.cos(angle), y: ry * distance * Math.sin(angle) };
  }
}

function stopMarkup(stops: readonly Stop[]): string[] {
  return stops.map(([offset, colour]) => svg`<stop offset="${offset}" stop-color="${colour}"/>`);
}

/** A piece of SVG. Numbers are cut to hundredths, far below a pixel; lists are joined. */
export function svg(parts: TemplateStringsArray, ...values: readonly Value[]): string {
  return parts.reduce((text, part, index) => `${text}${format(values[index - 1]!)}${part}`);
}

function format(value: Value): string {
  if (typeof value === "number") return String(Math.round(value * 100) / 100);
  return typeof value === "string" ? value : value.join("");
}

type Value = string | number | readonly string[];
