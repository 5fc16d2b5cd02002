import type { Readable } from "node:stream";
import { type PhotoFormat, sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

export interface ReceivedPhoto {
  readonly bytes: Uint8Array;
  readonly format: PhotoFormat;
}

/** Enough to tell every format. */
const SNIFF_BYTES = 64;

/**
 * Reads an upload into memory and refuses it as early as possible: its size as soon as the running count passes the
 * bound, its format as soon as the first bytes are there. Nothing more of a refused body is read.
 *
 * @throws too-large, unsupported-format, or what the stream fails with.
 */
export async function receivePhoto(body: Readable, bytesMax: number): Promise<ReceivedPhoto> {
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  let format: PhotoFormat | undefined;
  // Refusing leaves the stream open: the answer goes out on the connection that it came in on.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    receivedBytes += chunk.byteLength;
    if (receivedBytes > bytesMax) throw photoTooLarge(bytesMax);
    chunks.push(chunk);
    if (format === undefined && receivedBytes >= SNIFF_BYTES) format = requireFormat(Buffer.concat(chunks));
  }
  const bytes = Buffer.concat(chunks, receivedBytes);
  return { bytes, format: format ?? requireFormat(bytes) };
}

export function photoTooLarge(bytesMax: number): FruitstreamError {
  return new FruitstreamError("too-large", `the photo has more than ${bytesMax} bytes; send a smaller one`);
}

function requireFormat(start: Uint8Array): PhotoFormat {
  const format = sniffPhotoFormat(start);
  if (format) return format;
  const message = "the body begins like no photo we can read; send a JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF or BMP";
  throw new FruitstreamError("unsupported-format", message);
}
