import { hash } from "node:crypto";

/**
 * What a photo version's row is told by: within a run, the photo's URI and the etag of its content. And the model: a run has
 * one, but for the tables of `local`, where several models share the run `live`.
 */
export interface PhotoVersion {
  readonly model: string;
  readonly run: string;
  /** As in the column `path`. */
  readonly path: string;
  /** As in the column `photo_etag`. */
  readonly etag: string;
}

/**
 * 128 bits that stand for a photo version: the first half of a SHA-256. Of n photo versions any two have the same
 * fingerprint with a probability of about n² / 2^129: 1.5e-25 for ten million, below that of a disk that lies. Nobody can
 * make a photo that has the fingerprint of another's, which takes 2^128 attempts.
 */
export type Fingerprint = Uint8Array;

export const FINGERPRINT_BYTES = 16;

/** The lengths keep apart what would be one text otherwise. */
export function fingerprintOf({ model, run, path, etag }: PhotoVersion): Fingerprint {
  const lengths = `${model.length} ${run.length} ${path.length}`;
  const digest = hash("sha256", `${lengths} ${model}${run}${path}${etag}`, "buffer");
  return digest.subarray(0, FINGERPRINT_BYTES);
}

/** A fingerprint as a key for maps. */
export function fingerprintKey(fingerprint: Fingerprint): string {
  return Buffer.from(fingerprint.buffer, fingerprint.byteOffset, FINGERPRINT_BYTES).toString("latin1");
}

/** A row's photo version, and what decides which of several rows of one version was first. */
export interface PlacedPhotoVersion extends PhotoVersion {
  readonly ingestedAtMs: number;
  readonly sourcePartition: number;
  readonly sourceOffset: number;
}

/**
 * The rows whose photo version another of the rows has too, but for the first of each: what compaction may leave out. The
 * first is the one that was announced first, and of those announced at the same time the one of the lower source
 * position; it does not depend on the order in which rows are given. Memory: about 150 bytes a row.
 */
export function findRepeats<Row extends PlacedPhotoVersion>(rows: Iterable<Row>): Row[] {
  const first = new Map<string, Row>();
  const repeats: Row[] = [];
  for (const row of rows) {
    const key = fingerprintKey(fingerprintOf(row));
    const other = first.get(key);
    if (other === undefined || isBefore(row, other)) first.set(key, row);
    if (other !== undefined) repeats.push(isBefore(row, other) ? other : row);
  }
  return repeats;
}

function isBefore(a: PlacedPhotoVersion, b: PlacedPhotoVersion): boolean {
  return (
    (a.ingestedAtMs - b.ingestedAtMs || a.sourcePartition - b.sourcePartition || a.sourceOffset - b.sourceOffset) < 0
  );
}
