import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/** The values as little-endian bytes, bit for bit: on most machines their own memory, elsewhere a copy. */
export function littleEndianBytes(values: Float32Array | Float64Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return isBigEndian ? swap(Buffer.from(bytes), values.BYTES_PER_ELEMENT) : bytes;
}

/** The values of little-endian bytes, whose length is a multiple of 4, in memory of their own. */
export function float32sOfBytes(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  return valuesOfBytes(bytes, new Float32Array(bytes.byteLength / Float32Array.BYTES_PER_ELEMENT));
}

/** The values of little-endian bytes, whose length is a multiple of 8, in memory of their own. */
export function float64sOfBytes(bytes: Uint8Array): Float64Array<ArrayBuffer> {
  return valuesOfBytes(bytes, new Float64Array(bytes.byteLength / Float64Array.BYTES_PER_ELEMENT));
}

function valuesOfBytes<Values extends Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  bytes: Uint8Array,
  values: Values,
): Values {
  const copy = Buffer.from(values.buffer);
  copy.set(bytes);
  if (isBigEndian) swap(copy, values.BYTES_PER_ELEMENT);
  return values;
}

function swap(bytes: Buffer, valueBytes: number): Buffer {
  return valueBytes === Float64Array.BYTES_PER_ELEMENT ? bytes.swap64() : bytes.swap32();
}
