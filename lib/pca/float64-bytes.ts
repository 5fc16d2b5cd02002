import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/** The values as little-endian bytes, 8 each, bit for bit. */
export function bytesOfFloat64s(values: Float64Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return isBigEndian ? Buffer.from(bytes).swap64() : bytes;
}

/** The values of little-endian bytes, whose length is a multiple of 8, in memory of their own. */
export function float64sOfBytes(bytes: Uint8Array): Float64Array {
  const values = new Float64Array(bytes.byteLength / Float64Array.BYTES_PER_ELEMENT);
  const copy = Buffer.from(values.buffer);
  copy.set(bytes);
  if (isBigEndian) copy.swap64();
  return values;
}
