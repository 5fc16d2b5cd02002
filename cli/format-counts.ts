import { type ReplayCounts, unaccountedOf } from "#ops/replay/replay-counts.ts";

/** A replay's counts for a person, one a line, and what does not add up. */
export function formatCounts(what: "photos" | "vectors", counts: ReplayCounts): string {
  const { records, rows, known, repeats, deadLetters, forgotten, markers } = counts;
  const lines = [
    [what, records],
    ["rows added", rows],
    ...(known > 0 ? [["known already", known] as const] : []),
    ["repeats dropped", repeats],
    ["dead letters", deadLetters],
    ...(forgotten > 0 ? [["forgotten", forgotten] as const] : []),
    ...(markers > 0 ? [[what === "photos" ? "without a photo" : "flush markers", markers] as const] : []),
  ] as const;
  const text = lines.map(([name, count]) => `${name.padEnd(16)} ${count}`);
  const unaccounted = unaccountedOf(counts);
  if (unaccounted > 0) text.push(`${unaccounted} ${what} are neither: the topic may have lost their records meanwhile`);
  if (unaccounted < 0) text.push(`${-unaccounted} ${what} count twice: some are both a row and a dead letter`);
  return text.join("\n");
}
