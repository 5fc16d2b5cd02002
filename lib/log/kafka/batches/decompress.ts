import { promisify } from "node:util";
import { gunzip, type ZlibOptions, type ZstdOptions, zstdDecompress } from "node:zlib";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { decompressSnappy } from "#lib/runtime/snappy.ts";
import { decompressLz4 } from "./lz4.ts";

const gunzipAsync = promisify<Buffer, ZlibOptions, Buffer>(gunzip);
const zstdAsync = promisify<Buffer, ZstdOptions, Buffer>(zstdDecompress);

/** The compressions that Kafka has, by the number in a batch's attributes. */
const CODECS = [
  { name: "none", decompress: async (bytes: Buffer) => bytes },
  { name: "gzip", decompress: (bytes: Buffer, bytesMax: number) => byZlib("gzip", gunzipAsync, bytes, bytesMax) },
  { name: "snappy", decompress: async (bytes: Buffer, bytesMax: number) => decompressSnappy(bytes, bytesMax) },
  { name: "lz4", decompress: async (bytes: Buffer, bytesMax: number) => decompressLz4(bytes, bytesMax) },
  { name: "zstd", decompress: (bytes: Buffer, bytesMax: number) => byZlib("zstd", zstdAsync, bytes, bytesMax) },
] as const;

/** What a codec is called, for messages. */
export function codecName(codec: number): string {
  return CODECS[codec]?.name ?? `compression ${codec}`;
}

/**
 * Undoes a compression.
 *
 * @param codec its number in a record batch's attributes; 0 is none.
 * @throws too-large when the result has more than `bytesMax` bytes, before much more memory is taken; poison-message when
 * the bytes are not what the codec makes, or nobody knows the codec.
 */
export async function decompress(codec: number, bytes: Buffer, bytesMax: number): Promise<Buffer> {
  const known = CODECS[codec];
  if (!known) throw new FruitstreamError("poison-message", "nobody knows this compression");
  return known.decompress(bytes, bytesMax);
}

async function byZlib<Options>(
  name: string,
  run: (bytes: Buffer, options: Options & { maxOutputLength: number }) => Promise<Buffer>,
  bytes: Buffer,
  bytesMax: number,
): Promise<Buffer> {
  try {
    return await run(bytes, { maxOutputLength: Math.max(1, bytesMax) } as Options & { maxOutputLength: number });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new FruitstreamError("too-large", `it expands to more than ${bytesMax} bytes`, { cause });
    }
    throw new FruitstreamError("poison-message", `it is not ${name}: ${(cause as Error).message}`, { cause });
  }
}
