/** The names nearest to a mistyped one, nearest first: by the edits that lead from one to the other, case aside. */
export function nearestNames(wanted: string, names: Iterable<string>, countMax = 3): string[] {
  return [...names]
    .map((name) => ({ name, edits: editDistance(wanted, name) }))
    .sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1))
    .slice(0, countMax)
    .map(({ name }) => name);
}

/** The letters to insert, remove or replace that lead from one text to the other (Levenshtein), case aside. */
export function editDistance(from: string, to: string): number {
  const [a, b] = [from.toLowerCase(), to.toLowerCase()];
  // One row of the table at a time.
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + Number(a[row - 1] !== b[column - 1]);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
