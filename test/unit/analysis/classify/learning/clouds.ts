import type { LabelledVectors } from "#analysis/classify/learning/experiment.ts";
import { Random } from "#lib/runtime/random.ts";

/** Rows scattered evenly by up to `spread` in each of 6 dimensions around a centre of each label; centres lie 4 apart. */
export function clouds(labels: readonly string[], rowsPerLabel: number, spread: number): LabelledVectors {
  const random = new Random(7);
  const rows = labels.flatMap((label, centre) =>
    Array.from({ length: rowsPerLabel }, () => ({
      label,
      vector: Float32Array.from(
        { length: 6 },
        (_, column) => (column === centre ? 4 : 0) + random.within(-spread, spread),
      ),
    })),
  );
  return { labels: rows.map(({ label }) => label), vectors: rows.map(({ vector }) => vector) };
}
