import { FruitstreamError } from "#lib/runtime/errors.ts";
import { cpuMsOf } from "../measure/own-cpu.ts";
import type { KafkaCodec } from "./kafka-codecs.ts";

/** By vector. */
export interface CodecFigure {
  readonly bytes: number;
  readonly compressMs: number;
  readonly decompressMs: number;
}

/**
 * Compresses the records of every batch and decompresses them again, one batch after the other; CPU of all threads of
 * this process.
 *
 * @throws usage when other bytes come back.
 */
export async function measureCodec(
  { name, compress, decompress }: KafkaCodec,
  batches: readonly Buffer[],
  vectors: number,
): Promise<CodecFigure> {
  const compressed: Buffer[] = [];
  const decompressed: Buffer[] = [];
  const compressMs = await cpuMsOf(async () => {
    for (const batch of batches) compressed.push(await compress(batch));
  });
  const decompressMs = await cpuMsOf(async () => {
    for (const batch of compressed) decompressed.push(await decompress(batch));
  });
  if (decompressed.some((batch, index) => !batch.equals(batches[index]!))) {
    throw new FruitstreamError("usage", `${name} gives other bytes than it was given`);
  }
  const bytes = compressed.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return { bytes: bytes / vectors, compressMs: compressMs / vectors, decompressMs: decompressMs / vectors };
}
