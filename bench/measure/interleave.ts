/** The sides of a comparison by name; each call measures once. */
export type Sides = Readonly<Record<string, () => Promise<unknown>>>;

/** By side, what each of its rounds gave. */
export type Rounds<Measured extends Sides> = { [Name in keyof Measured]: Awaited<ReturnType<Measured[Name]>>[] };

/**
 * Measures every side once a round, one after the other, so that whatever changes on the machine changes for all of them.
 * Every second round runs backwards: a side that always came after the same neighbour would inherit its caches and heat.
 *
 * @param onRound told before each measurement.
 */
export async function interleave<Measured extends Sides>(
  rounds: number,
  sides: Measured,
  onRound: (side: string, round: number) => void,
): Promise<Rounds<Measured>> {
  const names = Object.keys(sides);
  const results: Record<string, unknown[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      onRound(name, round + 1);
      results[name]!.push(await sides[name]!());
    }
  }
  return results as Rounds<Measured>;
}
