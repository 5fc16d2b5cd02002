/** What several rounds of one measurement gave. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In the order in which they were measured. */
  readonly rounds: readonly number[];
}

/**
 * The rounds of one measurement as median and spread. The median, since a noisy neighbour slows single rounds down and
 * none is ever too fast.
 *
 * @throws RangeError without any round.
 */
export function summarise(rounds: readonly number[]): Summary {
  return { median: quantile(rounds, 0.5), min: quantile(rounds, 0), max: quantile(rounds, 1), rounds: [...rounds] };
}

/** As `summarise`, of one number of every round. */
export function summariseBy<Round>(rounds: readonly Round[], numberOf: (round: Round) => number): Summary {
  return summarise(rounds.map(numberOf));
}

/**
 * The quantile q of 0 to 1, interpolated linearly between the two nearest values (Hyndman & Fan 1996, type 7).
 *
 * @throws RangeError without any value.
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("a quantile needs at least one value");
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
