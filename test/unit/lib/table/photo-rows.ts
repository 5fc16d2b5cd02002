import type { PhotoRow } from "#lib/table/photo-row.ts";

/** A row with plausible values; vectors follow from the source offset. */
export function photoRow(changes: Partial<PhotoRow> = {}): PhotoRow {
  const sourceOffset = changes.sourceOffset ?? 0;
  const capturedAtMs = changes.capturedAtMs ?? Date.parse("2026-03-01T07:59:30.250Z");
  return {
    model: "mobilenet_v2-0a1b2c3d",
    run: "live",
    path: `s3://photos/Apple 6/r0_${sourceOffset}.jpg`,
    label: "Apple 6",
    features: Float32Array.from({ length: 8 }, (_, index) => Math.fround(Math.sin(sourceOffset * 8 + index))),
    pcaFeatures: Float32Array.of(sourceOffset, 0.5),
    pcaVersion: 1,
    predictions: [{ label: "Granny Smith", score: 0.75 }],
    photoEtag: "9e107d9d372bb6826bd81d3542a419d6",
    widthPx: 100,
    heightPx: 100,
    capturedAtMs,
    capturedAtSource: "exif",
    ingestedAtMs: capturedAtMs + 1_000,
    featurizedAtMs: capturedAtMs + 2_000,
    sourcePartition: 0,
    ...changes,
    sourceOffset,
  };
}
