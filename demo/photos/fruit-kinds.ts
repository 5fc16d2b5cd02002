import { drawBanana } from "./fruit/banana.ts";
import { drawLemon, drawLime, drawOrange } from "./fruit/citrus.ts";
import { drawKiwi } from "./fruit/kiwi.ts";
import { drawPineapple } from "./fruit/pineapple.ts";
import { drawApple, drawPear } from "./fruit/pome.ts";
import { drawCherry, drawGrape, drawStrawberry } from "./fruit/small-fruit.ts";
import { drawWatermelon } from "./fruit/watermelon.ts";
import type { Sketch } from "./sketch.ts";

export interface FruitKind {
  /** The label, and the name of the folder. */
  readonly name: string;
  /** SVG about the origin, within about 50 units of it. */
  draw(sketch: Sketch): string;
}

/** What can be drawn, in the order in which it is. */
export const FRUIT_KINDS: readonly FruitKind[] = [
  { name: "Apple", draw: drawApple },
  { name: "Banana", draw: drawBanana },
  { name: "Cherry", draw: drawCherry },
  { name: "Grape", draw: drawGrape },
  { name: "Kiwi", draw: drawKiwi },
  { name: "Lemon", draw: drawLemon },
  { name: "Lime", draw: drawLime },
  { name: "Orange", draw: drawOrange },
  { name: "Pear", draw: drawPear },
  { name: "Pineapple", draw: drawPineapple },
  { name: "Strawberry", draw: drawStrawberry },
  { name: "Watermelon", draw: drawWatermelon },
];
