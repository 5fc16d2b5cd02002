import { createRequire } from "node:module";

/** The version of the request for metadata that tells topics' ids, by brokers since Kafka 2.8 (KIP-516). */
const VERSION = 10;
/** The newest that the client knows by itself. */
const CLIENT_VERSION = 6;
const METADATA_API_KEY = 3;
const ID_BYTES = 16;

/** A partition as the client has it from metadata, and the id of its topic where the broker tells it. */
export interface PartitionOfTopic {
  readonly topicId?: string | undefined;
}

interface MetadataRequests {
  versions: string[];
  protocol: (asked: { version: number }) => (asked: { topics: readonly string[] | null }) => unknown;
}

interface MetadataResponse {
  parse(metadata: unknown): Promise<unknown>;
}

/**
 * kafkajs asks for metadata in a version that knows topics by their names alone. From now on it asks brokers that can
 * answer it in one that tells their ids as well, which `topicIdOf` finds in the client's answers. Nothing else changes,
 * but that asking for a topic never creates it.
 *
 * This reaches into the client, whose version 2.2.4 is its last.
 */
export function askForTopicIds(): void {
  const require = createRequire(import.meta.url);
  const requests: MetadataRequests = require("kafkajs/src/protocol/requests/metadata/index.js");
  const older: MetadataResponse = require(`kafkajs/src/protocol/requests/metadata/v${CLIENT_VERSION}/response.js`);
  const Encoder: new () => { writeBuffer(bytes: Buffer): unknown } = require("kafkajs/src/protocol/encoder.js");
  const { protocol } = requests;
  requests.versions = [...requests.versions, String(VERSION)];
  requests.protocol = ({ version }) => {
    if (version < VERSION) return protocol({ version: Math.min(version, CLIENT_VERSION) });
    return ({ topics }) => ({
      request: {
        apiKey: METADATA_API_KEY,
        apiVersion: VERSION,
        apiName: "Metadata",
        encode: async () => new Encoder().writeBuffer(encodeRequest(topics)),
      },
      response: {
        decode: async (bytes: Buffer) => decodeMetadata(bytes),
        parse: (metadata: unknown) => older.parse(metadata),
      },
    });
  };
}

/** Undefined where the brokers know no ids. */
export function topicIdOf(partitions: readonly PartitionOfTopic[]): string | undefined {
  return partitions[0]?.topicId;
}

/** The body of the request, and before it the end of its header: compact, as all of this version is (KIP-482). */
function encodeRequest(topics: readonly string[] | null): Buffer {
  const names = (topics ?? []).flatMap((topic) => {
    const name = Buffer.from(topic);
    return [Buffer.alloc(ID_BYTES), unsigned(name.length + 1), name, NO_TAGS];
  });
  // No topics at all stands for all of them, as in the client's own versions.
  const count = names.length === 0 ? 0 : topics!.length + 1;
  const autoCreationAndOperations = Buffer.alloc(3);
  return Buffer.concat([NO_TAGS, unsigned(count), ...names, autoCreationAndOperations, NO_TAGS]);
}

const NO_TAGS = Buffer.alloc(1);

function unsigned(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}

/** The answer as the client's version 6 has it, with each partition's `topicId`. */
export function decodeMetadata(bytes: Buffer) {
  const reader = new CompactReader(bytes);
  reader.skipTags();
  const clientSideThrottleTime = reader.int32();
  const brokers = reader.array(() => {
    const broker = { nodeId: reader.int32(), host: reader.text(), port: reader.int32(), rack: reader.text() };
    reader.skipTags();
    return broker;
  });
  const clusterId = reader.text();
  const controllerId = reader.int32();
  const topicMetadata = reader.array(() => readTopic(reader));
  return { throttleTime: 0, clientSideThrottleTime, brokers, clusterId, controllerId, topicMetadata };
}

function readTopic(reader: CompactReader) {
  const topicErrorCode = reader.int16();
  const topic = reader.text();
  const id = reader.bytes(ID_BYTES);
  const topicId = id.every((byte) => byte === 0) ? undefined : id.toString("base64url");
  const isInternal = reader.byte() === 1;
  const partitionMetadata = reader.array(() => {
    const [partitionErrorCode, partitionId, leader] = [reader.int16(), reader.int32(), reader.int32()];
    const leaderEpoch = reader.int32();
    const [replicas, isr, offlineReplicas] = [reader.numbers(), reader.numbers(), reader.numbers()];
    reader.skipTags();
    return { partitionErrorCode, partitionId, leader, leaderEpoch, replicas, isr, offlineReplicas, topicId };
  });
  const operations = reader.int32();
  reader.skipTags();
  return { topicErrorCode, topic, isInternal, partitionMetadata, operations };
}

/** Reads what Kafka calls compact encoding. @throws RangeError beyond the bytes. */
class CompactReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#move(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4));
  }

  bytes(count: number): Buffer {
    const start = this.#move(count);
    return this.#bytes.subarray(start, start + count);
  }

  text(): string | null {
    const length = this.#unsigned();
    return length === 0 ? null : this.bytes(length - 1).toString();
  }

  array<Item>(read: () => Item): Item[] {
    return Array.from({ length: Math.max(0, this.#unsigned() - 1) }, read);
  }

  numbers(): number[] {
    return this.array(() => this.int32());
  }

  skipTags(): void {
    for (let left = this.#unsigned(); left > 0; left--) {
      this.#unsigned();
      this.bytes(this.#unsigned());
    }
  }

  #unsigned(): number {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor >= 128 ** 4) throw new RangeError("a number of Kafka's metadata has more than five bytes");
    }
  }

  #move(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) throw new RangeError("Kafka's metadata are cut short");
    this.#at = start + count;
    return start;
  }
}
