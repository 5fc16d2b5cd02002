import { Random } from "#lib/runtime/random.ts";

/** Two of a row's coordinates. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly label: string | null;
}

/** A larger SVG has several megabytes, and its points cover each other. */
export const POINTS_MAX = 6000;

/** The same table gives the same picture. */
const SEED = 20;

/**
 * A random sample of at most POINTS_MAX of the points that are offered, each as likely as any other (algorithm R of
 * Vitter, "Random Sampling with a Reservoir", 1985). All rows are counted by label.
 */
export class PointSample {
  readonly rowsByLabel = new Map<string | null, number>();
  readonly #random = new Random(SEED);
  readonly #points: Point[] = [];
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  get points(): readonly Point[] {
    return this.#points;
  }

  offer(point: Point): void {
    this.#rows += 1;
    this.rowsByLabel.set(point.label, (this.rowsByLabel.get(point.label) ?? 0) + 1);
    if (this.#points.length < POINTS_MAX) this.#points.push(point);
    else {
      const at = this.#random.between(0, this.#rows - 1);
      if (at < POINTS_MAX) this.#points[at] = point;
    }
  }
}
