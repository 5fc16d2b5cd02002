import { indexOfNonFinite, requireUsableVector } from "#lib/messages/message-bounds.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { photoUri } from "#lib/photo/photo-uri.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { requirePartition } from "#lib/table/partitioning.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";

/**
 * The row of a vector, not yet projected.
 *
 * @throws poison-message when it could not be a row of the table: a value that is not finite would spoil the moments
 * for good, an event time without a four-digit year has no partition, and no featurizer writes what is out of the
 * bounds of a message.
 */
export function rowOf(message: PhotoFeatures): PhotoRow {
  requireUsableVector(message);
  const row: PhotoRow = {
    model: message.model,
    run: message.run,
    path: photoUri(message),
    label: message.label,
    features: message.features,
    pcaFeatures: null,
    pcaVersion: null,
    predictions: message.predictions,
    photoEtag: message.etag,
    widthPx: message.widthPx,
    heightPx: message.heightPx,
    capturedAtMs: message.capturedAtMs,
    capturedAtSource: message.capturedAtSource,
    ingestedAtMs: message.ingestedAtMs,
    featurizedAtMs: message.featurizedAtMs,
    sourcePartition: message.sourcePartition,
    sourceOffset: message.sourceOffset,
  };
  const strange = indexOfNonFinite(row.features);
  if (strange !== -1) {
    const problem = `the vector of ${row.path} has ${row.features[strange]} at index ${strange}; all must be finite`;
    throw new FruitstreamError("poison-message", problem);
  }
  requirePartition(row);
  for (const field of ["ingestedAtMs", "featurizedAtMs"] as const) {
    if (row[field] >= 0 && row[field] <= TIME_MS_MAX) continue;
    const problem = `${field} of ${row.path} must be ms since 1970 up to year 9999, got ${row[field]}`;
    throw new FruitstreamError("poison-message", problem);
  }
  return row;
}

const TIME_MS_MAX = Date.parse("9999-12-31T23:59:59.999Z");
