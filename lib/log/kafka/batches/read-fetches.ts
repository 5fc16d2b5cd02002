import { createRequire } from "node:module";
import { decodeRecordBatches, type FetchedRecord, MAGIC, MAGIC_AT } from "./record-batches.ts";

/** What the client's fetch of one partition may become in memory. A fetch has at most 1 MiB of each, or one batch. */
const BOUNDS = { bytesMax: 32 * 1_048_576, recordsMax: 100_000 } as const;

interface ClientDecoder {
  readInt32(): number;
  canReadBytes(count: number): boolean;
  readBytes(count: number): Buffer;
}

type DecodeMessages = (decoder: ClientDecoder) => Promise<unknown[]>;

/**
 * kafkajs reads only what is compressed by gzip, expands it without a bound, overflows its stack by a batch of a hundred
 * thousand records, and fetches a batch that it can't read again and again. From now on `decodeRecordBatches` reads the
 * batches of every fetch.
 *
 * This reaches into the client, which has a setting for codecs only; its version 2.2.4 is its last. It must be called
 * before the first fetch, since the client loads what decodes fetches then.
 */
export function readFetchesOfAnyProducer(): void {
  const require = createRequire(import.meta.url);
  const path = require.resolve("kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js");
  const decodeOlder: DecodeMessages = require(path);
  const decode: DecodeMessages = async (decoder) => {
    const length = decoder.readInt32();
    if (length <= 0 || !decoder.canReadBytes(length)) return [];
    const bytes = decoder.readBytes(length);
    // Batches of before Kafka 0.11, which brokers of version 4 don't have any more.
    if (bytes.length > MAGIC_AT && bytes[MAGIC_AT] !== MAGIC) return decodeOlder(wholeDecoder(bytes));
    const records: FetchedRecord[] = await decodeRecordBatches(bytes, BOUNDS);
    return records;
  };
  require.cache[path]!.exports = decode;

  /** The client's own decoder of these bytes, their length in front of them. */
  function wholeDecoder(bytes: Buffer): ClientDecoder {
    const Decoder: new (buffer: Buffer) => ClientDecoder = require("kafkajs/src/protocol/decoder.js");
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    return new Decoder(Buffer.concat([length, bytes]));
  }
}
