import { createHash } from "node:crypto";
import { float64sOfBytes, littleEndianBytes } from "#lib/runtime/little-endian.ts";
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
  readonly moments: Moments;
}

/** `FSMOMNT` and the format's version. */
const MAGIC = Buffer.from("FSMOMNT1", "latin1");
const HEADER_LENGTH_BYTES = 4;
const HEADER_BYTES_MAX = 65_536;
const DIGEST_BYTES = 32;

interface Header extends MomentsSubject {
  readonly tableVersion: number;
  readonly count: number;
}

/**
 * A checkpoint's bytes: magic (8), header length (4, little-endian), header (JSON: model, run, dimensions, count,
 * table version), mean and packed scatter (little-endian float64), SHA-256 of all before it (32). Takes one copy of
 * the moments; decoding gives the same bits.
 */
export function encodeMoments({ model, run, tableVersion, moments }: MomentsCheckpoint): Uint8Array {
  const { dimensions, count, mean, scatter } = moments;
  const header = Buffer.from(JSON.stringify({ model, run, dimensions, count, tableVersion } satisfies Header));
  const headerLength = Buffer.alloc(HEADER_LENGTH_BYTES);
  headerLength.writeUInt32LE(header.byteLength);
  const bytes = Buffer.concat([
    MAGIC,
    headerLength,
    header,
    littleEndianBytes(mean),
    littleEndianBytes(scatter),
    Buffer.alloc(DIGEST_BYTES),
  ]);
  const bodyBytes = bytes.byteLength - DIGEST_BYTES;
  bytes.set(digestOf(bytes.subarray(0, bodyBytes)), bodyBytes);
  return bytes;
}

/**
 * The checkpoint of these bytes, in memory of its own.
 *
 * @throws PcaError corrupt-bytes when they are truncated, altered or of another format; other-subject when they are
 * sound, but of another model, run or dimension. Both mean: do without this checkpoint.
 */
export function decodeMoments(bytes: Uint8Array, subject: MomentsSubject): MomentsCheckpoint {
  const body = verifiedBody(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const { header, values } = splitBody(body);
  requireSubject(header, subject);
  const { model, run, dimensions, count, tableVersion } = header;
  const meanBytes = dimensions * Float64Array.BYTES_PER_ELEMENT;
  if (values.byteLength !== meanBytes + packedLength(dimensions) * Float64Array.BYTES_PER_ELEMENT) {
    throw corrupt(`${values.byteLength} bytes of values don't fit ${dimensions} dimensions`);
  }
  const mean = float64sOfBytes(values.subarray(0, meanBytes));
  const scatter = float64sOfBytes(values.subarray(meanBytes));
  return { model, run, tableVersion, moments: { dimensions, count, mean, scatter } };
}

/** What precedes the digest, once it is known to be what was written. */
function verifiedBody(bytes: Buffer): Buffer {
  const bodyBytes = bytes.byteLength - DIGEST_BYTES;
  if (bodyBytes < MAGIC.byteLength + HEADER_LENGTH_BYTES) throw corrupt(`only ${bytes.byteLength} bytes`);
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) throw corrupt("they don't begin with the format's magic");
  const body = bytes.subarray(0, bodyBytes);
  if (!digestOf(body).equals(bytes.subarray(bodyBytes))) {
    throw corrupt(`the digest of ${bytes.byteLength} bytes differs; they are truncated or altered`);
  }
  return body;
}

/** The digest finds bytes that were damaged. It is no signature: who may write the file may have computed it too. */
function splitBody(body: Buffer): { header: Header; values: Buffer } {
  const headerStart = MAGIC.byteLength + HEADER_LENGTH_BYTES;
  const headerEnd = headerStart + body.readUInt32LE(MAGIC.byteLength);
  if (headerEnd > Math.min(body.byteLength, headerStart + HEADER_BYTES_MAX)) throw corrupt("its header has no end");
  return { header: parseHeader(body.toString("utf8", headerStart, headerEnd)), values: body.subarray(headerEnd) };
}

function parseHeader(text: string): Header {
  try {
    const header = JSON.parse(text) as Header | null;
    const isCounted = Number.isSafeInteger(header?.count) && Number.isSafeInteger(header?.tableVersion);
    if (isCounted && header!.count >= 0 && header!.tableVersion >= 0) return header!;
  } catch (cause) {
    throw corrupt("its header is no JSON", cause);
  }
  throw corrupt("its header lacks a count of rows or a version of the table");
}

function requireSubject(header: Header, subject: MomentsSubject): void {
  for (const name of ["model", "run", "dimensions"] as const) {
    if (header[name] !== subject[name]) {
      throw new PcaError("other-subject", `the checkpoint's ${name} is ${header[name]}, not ${subject[name]}`);
    }
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function corrupt(problem: string, cause?: unknown): PcaError {
  return new PcaError("corrupt-bytes", `not a checkpoint of moments: ${problem}`, { cause });
}
