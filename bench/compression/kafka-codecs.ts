import { promisify } from "node:util";
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs, { type CompressionTypes } from "kafkajs";

/** A way to compress the records of a batch. It works on libuv's threads, so that the event loop goes on. */
export interface KafkaCodec {
  readonly name: string;
  /** Under which number a batch says how it is compressed. */
  readonly type: CompressionTypes;
  compress(records: Uint8Array): Promise<Buffer>;
  decompress(compressed: Uint8Array): Promise<Buffer>;
}

// kafkajs is CommonJS, and not all of its names are visible to an import of names.
const { CompressionCodecs, CompressionTypes: TYPES } = kafkajs;

/** What Node computes itself. Snappy and LZ4 would each need a package: kafkajs names them, and throws. */
export const KAFKA_CODECS: readonly KafkaCodec[] = [
  gzipCodec("gzip, level 1", 1),
  gzipCodec("gzip, level 6 (kafkajs' own)", constants.Z_DEFAULT_COMPRESSION),
  zstdCodec("zstd, level 1", 1),
  zstdCodec("zstd, level 3 (its default)", 3),
];

/** Has every kafkajs client of this process compress and decompress batches of the codec's type with it. */
export function registerCodec({ type, compress, decompress }: KafkaCodec): void {
  const codec = { compress: ({ buffer }: { readonly buffer: Buffer }) => compress(buffer), decompress };
  (CompressionCodecs as Record<CompressionTypes, () => unknown>)[type] = () => codec;
}

function gzipCodec(name: string, level: number): KafkaCodec {
  const compress = promisify<Uint8Array, object, Buffer>(gzip);
  return {
    name,
    type: TYPES.GZIP,
    compress: (records) => compress(records, { level }),
    decompress: promisify<Uint8Array, Buffer>(gunzip),
  };
}

function zstdCodec(name: string, level: number): KafkaCodec {
  const compress = promisify<Uint8Array, object, Buffer>(zstdCompress);
  return {
    name,
    type: TYPES.ZSTD,
    compress: (records) => compress(records, { params: { [constants.ZSTD_c_compressionLevel]: level } }),
    decompress: promisify<Uint8Array, Buffer>(zstdDecompress),
  };
}
