import pLimit from "p-limit";
import type { LogAdmin, LogRecord, RecordLog, RecordProducer } from "#lib/log/record-log.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { schemaTopicShape } from "../topics.ts";
import { formatFingerprint, formatSchema, type PublishedSchema, parseFingerprint } from "./avro-schemas.ts";
import { type KnownSchemas, knownSchemas } from "./known-schemas.ts";

export interface SchemaTopicParts {
  readonly topic: string;
  readonly log: Pick<RecordLog, "readTopic">;
  readonly admin: LogAdmin;
  readonly logger: Logger;
  /** Where to take up what is learnt; that of the process unless a test has its own. */
  readonly known?: KnownSchemas;
}

/**
 * The compacted topic of every schema that messages were ever written with: key = fingerprint in hexadecimal, value = the
 * schema's JSON. A process puts its own there before its first message, so whoever meets a message finds its schema
 * there, however much older the reader is.
 */
export class SchemaTopic {
  readonly #parts: SchemaTopicParts;
  readonly #known: KnownSchemas;
  readonly #inTurn = pLimit(1);
  /** Fingerprints whose latest record on the topic is their schema. */
  readonly #onTopic = new Set<bigint>();
  /** The topic's end when it was read last. */
  #readUpTo = 0;

  constructor(parts: SchemaTopicParts) {
    this.#parts = parts;
    this.#known = parts.known ?? knownSchemas;
  }

  /**
   * Creates the topic where it is missing and puts those of the published schemas on it that are not there. Several
   * processes may do so at once: a schema that lies there twice is the same one.
   *
   * @throws broker-unavailable; what was put there stays.
   */
  publish(producer: RecordProducer): Promise<void> {
    const { topic, admin } = this.#parts;
    return this.#inTurn(async () => {
      await admin.ensureTopics([schemaTopicShape(topic)]);
      await this.#readNew();
      const missing = this.#known.published.filter(({ fingerprint }) => !this.#onTopic.has(fingerprint));
      if (missing.length > 0) await producer.append(topic, missing.map(recordOf));
    });
  }

  /**
   * Learns the schemas that these messages were written with, as far as they are not known. Costs nothing when all are.
   * For one that is not on the topic it costs a question for the topic's end: nothing is read again until that has
   * moved, so garbage can't make a reader read the topic for each record, and a "no" is never out of date.
   *
   * @throws broker-unavailable, before which nothing is known of the messages: they must not be given up for it.
   */
  async learn(messages: readonly (Uint8Array | null)[]): Promise<void> {
    const isMissing = () => messages.some((message) => this.#known.isMissingFor(message));
    if (!isMissing()) return;
    await this.#inTurn(async () => {
      if (isMissing()) await this.#readNew();
    });
  }

  async #readNew(): Promise<void> {
    const { topic, log, admin } = this.#parts;
    // An installation whose services are of a version without this topic has no other versions' messages either.
    if ((await admin.partitionCount(topic)) === undefined) return;
    const end = (await admin.endOffsets(topic))[0]!.offset;
    if (end === this.#readUpTo) return;
    await log.readTopic(topic, (record) => this.#note(record));
    this.#readUpTo = end;
  }

  /** What lies on the topic is taken for nothing but what its own fingerprint says. */
  #note({ topic, offset, key, value }: LogRecord): void {
    const name = Buffer.from(key ?? []).toString();
    const fingerprint = parseFingerprint(name);
    try {
      if (fingerprint === undefined) throw new Error("its key is no fingerprint");
      this.#onTopic.delete(fingerprint);
      if (this.#known.learn(fingerprint, Buffer.from(value ?? []).toString())) {
        this.#parts.logger.info({ event: "schema_learnt", topic, schema: name }, "learnt a schema of another version");
      }
      this.#onTopic.add(fingerprint);
    } catch (error) {
      const fields = { event: "schema_unreadable", err: error, topic, offset, key: name };
      this.#parts.logger.warn(fields, "a record on the topic of schemas is not a schema; skipping it");
    }
  }
}

function recordOf(schema: PublishedSchema) {
  return { key: Buffer.from(formatFingerprint(schema.fingerprint)), value: Buffer.from(formatSchema(schema)) };
}
