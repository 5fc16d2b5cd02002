import { float64sOfBytes, littleEndianBytes } from "#lib/runtime/little-endian.ts";
import { openSealed, sealBytes } from "#lib/runtime/sealed-bytes.ts";
import type { Moments } from "./moments.ts";
import { packedLength } from "./packed-triangle.ts";
import { PcaError } from "./pca-error.ts";

/** Whose rows the moments are. */
export interface MomentsSubject {
  readonly model: string;
  readonly run: string;
  readonly dimensions: number;
}

/** Moments as a checkpoint stores them: they cover all rows of the subject up to this version of the table. */
export interface MomentsCheckpoint {
  readonly model: string;
  readonly run: string;
  readonly tableVersion: number;
  /** Which commit that version was, where it is known. */
  readonly commitId?: string | undefined;
  readonly moments: Moments;
}

/** `FSMOMNT` and the format's version. */
const MAGIC = Buffer.from("FSMOMNT1", "latin1");

/** Of an encoded checkpoint: one of 16,384 dimensions has 1.1 GB; what is larger is not ours. */
export const MOMENTS_BYTES_MAX = 2 * 1_073_741_824 - 1;

interface Header extends MomentsSubject {
  readonly tableVersion: number;
  readonly commitId?: string | undefined;
  readonly count: number;
}

/**
 * A checkpoint's bytes, sealed (`sealBytes`): magic (8), header (model, run, dimensions, count, table version, the
 * commit's id), mean and packed scatter (little-endian float64). Takes one copy of the moments; decoding gives the same
 * bits.
 */
export function encodeMoments({ model, run, tableVersion, commitId, moments }: MomentsCheckpoint): Uint8Array {
  const { dimensions, count, mean, scatter } = moments;
  const header = { model, run, dimensions, count, tableVersion, commitId } satisfies Header;
  return sealBytes(MAGIC, header, [littleEndianBytes(mean), littleEndianBytes(scatter)]);
}

/**
 * The checkpoint of these bytes, in memory of its own.
 *
 * @throws PcaError corrupt-bytes when they are truncated, altered or of another format; other-subject when they are
 * sound, but of another model, run or dimension. Both mean: do without this checkpoint.
 */
export function decodeMoments(bytes: Uint8Array, subject: MomentsSubject): MomentsCheckpoint {
  const sealed = openSealed(bytes, MAGIC, corrupt);
  const header = requireHeader(sealed.header);
  const values = sealed.body;
  requireSubject(header, subject);
  const { model, run, dimensions, count, tableVersion, commitId } = header;
  const meanBytes = dimensions * Float64Array.BYTES_PER_ELEMENT;
  if (values.byteLength !== meanBytes + packedLength(dimensions) * Float64Array.BYTES_PER_ELEMENT) {
    throw corrupt(`${values.byteLength} bytes of values don't fit ${dimensions} dimensions`);
  }
  const mean = float64sOfBytes(values.subarray(0, meanBytes));
  const scatter = float64sOfBytes(values.subarray(meanBytes));
  return { model, run, tableVersion, ...(commitId ? { commitId } : {}), moments: { dimensions, count, mean, scatter } };
}

function requireHeader(parsed: unknown): Header {
  const header = parsed as Header | null;
  const isCounted = Number.isSafeInteger(header?.count) && Number.isSafeInteger(header?.tableVersion);
  if (isCounted && header!.count >= 0 && header!.tableVersion >= 0) return header!;
  throw corrupt("its header lacks a count of rows or a version of the table");
}

function requireSubject(header: Header, subject: MomentsSubject): void {
  for (const name of ["model", "run", "dimensions"] as const) {
    if (header[name] !== subject[name]) {
      throw new PcaError("other-subject", `the checkpoint's ${name} is ${header[name]}, not ${subject[name]}`);
    }
  }
}

function corrupt(problem: string, cause?: unknown): PcaError {
  return new PcaError("corrupt-bytes", `not a checkpoint of moments: ${problem}`, { cause });
}
