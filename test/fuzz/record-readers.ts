import { createHash } from "node:crypto";
import { formatLetter, formatLine, letterFacts, lineFacts } from "#cli/format-letter.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import { isFlushMarker } from "#lib/messages/flush-marker.ts";
import { decodeBasis, encodeBasis } from "#lib/pca/basis-codec.ts";
import { decodeMoments, encodeMoments } from "#lib/pca/moments-codec.ts";
import { packedLength } from "#lib/pca/packed-triangle.ts";
import type { Random } from "#lib/runtime/random.ts";
import { encodeRows } from "#lib/table/parquet-file.ts";
import { SettledLetters } from "#ops/dead-letters/settled-letters.ts";
import { readPhotoRecord } from "#services/featurizer/photo-record.ts";
import { rowOf } from "#services/reducer/vector-row.ts";
import { forgedMessage, readForgedMessage } from "./forged-schema.ts";
import { encodedLetter, encodedMark, encodedPhoto, encodedVector } from "./record-samples.ts";

/** One who reads bytes that others have written. */
export interface Reader {
  /** Takes the bytes as the service does, and throws what makes them a dead letter. */
  readonly read: (bytes: Uint8Array) => void;
  /** Bytes of its own kind, before they are mutated; any message where it is missing. */
  readonly samples?: (random: Random) => Uint8Array;
  /** Makes the mutated bytes pass what would hide the mutation. */
  readonly mend?: (bytes: Uint8Array, random: Random) => Uint8Array;
  readonly throwsPcaError?: boolean;
}

const SUBJECT = { model: "net-0123456789ab", run: "live", dimensions: 4 };

export const READERS: Readonly<Record<string, Reader>> = {
  "photo record": { samples: encodedPhoto, read: readPhoto },
  "photo record, of any message": { read: readPhoto },
  "vector record": { samples: encodedVector, read: readVector },
  "vector record, of any message": { read: readVector },
  "dead letter": { samples: encodedLetter, read: readLetter },
  "dead letter mark": { samples: encodedMark, read: readLetter },
  "message of a forged schema": { samples: forgedMessage, read: readForgedMessage },
  moments: { samples: encodedMoments, read: (bytes) => decodeMoments(bytes, SUBJECT), throwsPcaError: true },
  "moments with a digest of their own": {
    samples: encodedMoments,
    read: (bytes) => decodeMoments(bytes, SUBJECT),
    mend: withDigest,
    throwsPcaError: true,
  },
  basis: { samples: encodedBasis, read: (bytes) => decodeBasis(bytes), throwsPcaError: true },
};

function readPhoto(value: Uint8Array): void {
  const record = { topic: "photos", partition: 0, offset: 7, key: null, value, timestampMs: 1 };
  const photo = readPhotoRecord(record, new Set(["photos"]));
  if (photo instanceof Error) throw photo;
}

/** A row goes on to a file of the table, which takes as much of it as Parquet does. */
function readVector(value: Uint8Array): void {
  if (isFlushMarker({ key: null, value })) return;
  const row = rowOf(photoFeaturesCodec.decode(value));
  if (row.features.length <= 64) encodeRows([row]);
}

function readLetter(value: Uint8Array): void {
  const record = decodeDeadLetterRecord(value);
  if (record.kind === "mark") {
    new SettledLetters().note(record.mark);
    return;
  }
  const placed = { partition: 0, offset: 1, letter: record.letter };
  formatLine(placed, undefined);
  formatLetter(placed, undefined);
  JSON.stringify([lineFacts(placed, undefined), letterFacts(placed, undefined)]);
}

function encodedMoments(random: Random): Uint8Array {
  const { model, run, dimensions } = SUBJECT;
  const numbers = (length: number) => Float64Array.from({ length }, () => random.within(-1, 1));
  const moments = { dimensions, count: 9, mean: numbers(dimensions), scatter: numbers(packedLength(dimensions)) };
  return encodeMoments({ model, run, tableVersion: 3, moments });
}

function withDigest(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.byteLength - 32));
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

function encodedBasis(random: Random): Uint8Array {
  const numbers = (length: number) => Float64Array.from({ length }, () => random.within(-1, 1));
  return encodeBasis({
    version: 1,
    dimensions: 4,
    componentCount: 2,
    components: numbers(8),
    mean: numbers(4),
    explainedVariance: numbers(2),
    explainedVarianceRatio: numbers(2),
    totalVariance: 1,
    rowCount: 9,
    residual: 0,
    converged: true,
  });
}
