import type { IngestProgress } from "#lib/intake/ingest-progress.ts";

/** As "1200 announced (400/s), 1200 uploaded, 3 skipped"; what is zero is left out. */
export function formatProgress(progress: IngestProgress, elapsedMs: number): string {
  const perSecond = Math.round(progress.announced / Math.max(elapsedMs / 1000, 0.001));
  const others = [
    [progress.uploaded, "uploaded"],
    [progress.existing, "on S3 already"],
    [progress.known, "known already"],
    [progress.skipped, "skipped"],
    [progress.failed, "not taken"],
  ] as const;
  const told = others.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  return `${progress.announced} announced (${perSecond}/s)${told.join("")}`;
}

/** As "9 without suffix, 3 .heic", the most first; empty when nothing was skipped. */
export function formatSkipped(skippedByKind: IngestProgress["skippedByKind"]): string {
  const kinds = Object.entries(skippedByKind).sort(([, a], [, b]) => b - a);
  return kinds.map(([kind, count]) => `${count} ${kind}`).join(", ");
}
