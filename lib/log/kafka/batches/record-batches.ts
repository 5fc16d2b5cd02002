import { unreadableBatch } from "#lib/messages/unreadable-batch.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { codecName, decompress } from "./decompress.ts";
import { VarintReader } from "./varint-reader.ts";

/** A record as the client's consumer takes it from a fetch. */
export interface FetchedRecord {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Nobody reads them. */
  readonly headers: Record<string, never>;
  readonly isControlRecord: boolean;
  /** By it records of aborted transactions are told. */
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface BatchBounds {
  /** Decompressed bytes of one fetch of a partition. */
  readonly bytesMax: number;
  readonly recordsMax: number;
}

interface BatchHeader {
  /** Where the batch lies among the bytes, and where the next one begins. */
  readonly start: number;
  readonly end: number;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly codec: number;
  readonly isLogAppendTime: boolean;
  readonly isControlRecord: boolean;
  readonly firstTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly batchContext: FetchedRecord["batchContext"];
  readonly count: number;
  /** The records, compressed or not. */
  readonly body: Buffer;
}

/** https://kafka.apache.org/documentation/#recordbatch: what precedes the records, from the base offset on. */
const HEADER_BYTES = 61;
/** Base offset and length, which the length does not count. */
const LENGTH_END = 12;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
export const MAGIC = 2;
export const MAGIC_AT = 16;

/**
 * The records of a partition's batches, in their order, whatever their compression. A batch at the end that was cut off, and
 * what goes beyond the bounds, is left for the next fetch.
 *
 * A batch that can't be read, since it is malformed or goes beyond the bounds by itself, gives one record at its last
 * offset, whose value says so (`unreadableBatch`): reading goes on behind it, and whoever decodes the value has a sentence
 * for its dead letter. Never throws for what a producer has written.
 *
 * @param bytes whole batches of magic 2, the last one possibly cut off.
 */
export async function decodeRecordBatches(bytes: Buffer, bounds: BatchBounds): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  let bytesLeft = bounds.bytesMax;
  for (let header = readHeader(bytes, 0); header; header = readHeader(bytes, header.end)) {
    const left = { bytesMax: bytesLeft, recordsMax: bounds.recordsMax - records.length };
    const batch = await readBatch(header, left).catch((error) => {
      // Behind others it may be small enough for a fetch of its own.
      if (header!.start > 0 && error instanceof FruitstreamError && error.code === "too-large") return undefined;
      return { records: [unreadable(header!, error)], expandedBytes: 0 };
    });
    if (!batch) break;
    for (const record of batch.records) records.push(record);
    bytesLeft -= batch.expandedBytes;
  }
  return records;
}

async function readBatch(header: BatchHeader, { bytesMax, recordsMax }: BatchBounds) {
  const { codec, count, lastOffset } = header;
  if (count > recordsMax) {
    throw new FruitstreamError("too-large", `it has ${count} records; ${recordsMax} are read at once`);
  }
  const body = await decompress(codec, header.body, bytesMax);
  const reader = new VarintReader(body);
  const records = Array.from({ length: Math.max(0, count) }, () => readRecord(reader, header));
  // What was compacted away leaves a batch whose last records are missing, or all of them.
  if (records.at(-1)?.offset !== String(lastOffset)) records.push(standIn(header, null, true));
  return { records, expandedBytes: codec === 0 ? 0 : body.length };
}

/** Undefined when the rest is no whole batch of this format. */
function readHeader(bytes: Buffer, at: number): BatchHeader | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes[at + MAGIC_AT] !== MAGIC) return undefined;
  const end = at + LENGTH_END + bytes.readInt32BE(at + 8);
  if (end > bytes.length || end < at + HEADER_BYTES) return undefined;
  const attributes = bytes.readInt16BE(at + 21);
  const baseOffset = bytes.readBigInt64BE(at);
  return {
    ...{ start: at, end },
    baseOffset,
    lastOffset: baseOffset + BigInt(bytes.readInt32BE(at + 23)),
    codec: attributes & CODEC_MASK,
    isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    isControlRecord: (attributes & CONTROL) !== 0,
    firstTimestampMs: Number(bytes.readBigInt64BE(at + 27)),
    maxTimestampMs: Number(bytes.readBigInt64BE(at + 35)),
    batchContext: {
      producerId: bytes.readBigInt64BE(at + 43).toString(),
      inTransaction: (attributes & TRANSACTIONAL) !== 0,
    },
    count: bytes.readInt32BE(at + 57),
    body: bytes.subarray(at + HEADER_BYTES, end),
  };
}

function readRecord(reader: VarintReader, header: BatchHeader): FetchedRecord {
  const length = reader.readVarint();
  const end = reader.at + length;
  const attributes = reader.readByte();
  const timestampMs = header.firstTimestampMs + reader.readVarint();
  const offset = header.baseOffset + BigInt(reader.readVarint());
  const [key, value] = [reader.readBytes(), reader.readBytes()];
  if (length < 0 || reader.at > end) throw new FruitstreamError("poison-message", "a record is longer than it says");
  // Headers are passed over.
  reader.moveTo(end);
  return {
    magicByte: MAGIC,
    attributes,
    timestamp: String(header.isLogAppendTime ? header.maxTimestampMs : timestampMs),
    offset: offset.toString(),
    ...{ key, value },
    headers: {},
    isControlRecord: header.isControlRecord,
    batchContext: header.batchContext,
  };
}

function unreadable(header: BatchHeader, error: unknown): FetchedRecord {
  if (fateOf(error) !== "dead-letter") throw error;
  const { baseOffset, lastOffset, codec, count } = header;
  const which = `${count} records, offsets ${baseOffset} to ${lastOffset}, compressed by ${codecName(codec)}`;
  const value = unreadableBatch(`${which}: ${(error as Error).message}`);
  return standIn(header, value, header.isControlRecord);
}

/** A record at the batch's last offset, since a fetch may begin in its middle. A control record only moves the client on. */
function standIn(header: BatchHeader, value: Buffer | null, isControlRecord: boolean): FetchedRecord {
  const { lastOffset, maxTimestampMs, batchContext } = header;
  return {
    magicByte: MAGIC,
    attributes: 0,
    timestamp: String(maxTimestampMs),
    offset: lastOffset.toString(),
    key: null,
    headers: {},
    ...{ value, isControlRecord, batchContext },
  };
}
