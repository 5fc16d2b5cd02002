import { createHash } from "node:crypto";

const HEADER_LENGTH_BYTES = 4;
const HEADER_BYTES_MAX = 65_536;
const DIGEST_BYTES = 32;

/** What was sealed: the header as JSON has it, of which nothing else is known, and the body, in the memory of the bytes. */
export interface Sealed {
  readonly header: unknown;
  readonly body: Buffer;
}

/**
 * A file's bytes that tell when they are damaged: magic, header length (4, little-endian), header (JSON), body, SHA-256 of
 * all before it (32). Takes one copy of the body's parts.
 *
 * @param magic the format and its version.
 */
export function sealBytes(magic: Buffer, header: object, body: readonly Uint8Array[]): Uint8Array {
  const headerBytes = Buffer.from(JSON.stringify(header));
  const headerLength = Buffer.alloc(HEADER_LENGTH_BYTES);
  headerLength.writeUInt32LE(headerBytes.byteLength);
  const bytes = Buffer.concat([magic, headerLength, headerBytes, ...body, Buffer.alloc(DIGEST_BYTES)]);
  const sealedBytes = bytes.byteLength - DIGEST_BYTES;
  bytes.set(digestOf(bytes.subarray(0, sealedBytes)), sealedBytes);
  return bytes;
}

/**
 * Opens what `sealBytes` has made. The digest finds bytes that were damaged. It is no signature: who may write the file may
 * have computed it too, so the header is still to be checked.
 *
 * @param fail makes the error of a problem, which is a clause about the bytes.
 * @throws what `fail` makes, when the bytes are truncated, altered or of another format.
 */
export function openSealed(
  bytes: Uint8Array,
  magic: Buffer,
  fail: (problem: string, cause?: unknown) => Error,
): Sealed {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sealedBytes = all.byteLength - DIGEST_BYTES;
  const headerStart = magic.byteLength + HEADER_LENGTH_BYTES;
  if (sealedBytes < headerStart) throw fail(`only ${all.byteLength} bytes`);
  if (!all.subarray(0, magic.byteLength).equals(magic)) throw fail("they don't begin with the format's magic");
  const sealed = all.subarray(0, sealedBytes);
  if (!digestOf(sealed).equals(all.subarray(sealedBytes))) {
    throw fail(`the digest of ${all.byteLength} bytes differs; they are truncated or altered`);
  }
  const headerEnd = headerStart + all.readUInt32LE(magic.byteLength);
  if (headerEnd > Math.min(sealedBytes, headerStart + HEADER_BYTES_MAX)) throw fail("its header has no end");
  try {
    return { header: JSON.parse(all.toString("utf8", headerStart, headerEnd)), body: sealed.subarray(headerEnd) };
  } catch (cause) {
    throw fail("its header is no JSON", cause);
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
