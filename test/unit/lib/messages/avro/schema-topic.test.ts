import { describe, expect, test } from "vitest";
import { avroCodec } from "#lib/messages/avro/avro-codec.ts";
import { formatFingerprint, formatSchema, readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { singleObjectHeader } from "#lib/messages/avro/single-object.ts";
import type { DeadLetterMark } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type Logger, silentLogger } from "#lib/runtime/logger.ts";
import { MemoryRecordLog } from "../../../../fakes/memory-record-log.ts";
import { nextSchemas } from "../../../../fakes/next-schemas.ts";

const TOPIC = "schemas";
const published = readPublishedSchemas();
const mark: DeadLetterMark = {
  letterPartition: 0,
  letterOffset: 7,
  outcome: "dropped",
  newPartition: null,
  newOffset: null,
  markedAtMs: 1,
};
const newerMark = avroCodec("dead-letter-mark", nextSchemas()).encode(mark);

describe("publishing", () => {
  test("puts every schema there once, however often it is done", async () => {
    const log = new MemoryRecordLog();
    for (let start = 0; start < 3; start++) await member(log).topic.publish(log);
    const keys = log.allRecordsOf(TOPIC).map(({ key }) => Buffer.from(key!).toString());
    expect(keys).toEqual(published.map(({ fingerprint }) => formatFingerprint(fingerprint)));
  });

  test("adds what a newer version has more, and leaves the rest", async () => {
    const log = new MemoryRecordLog();
    await member(log).topic.publish(log);
    await member(log, nextSchemas()).topic.publish(log);
    expect(log.allRecordsOf(TOPIC)).toHaveLength(nextSchemas().published.length);
  });

  test("is made good by the next attempt after a failure", async () => {
    const log = new MemoryRecordLog();
    const { topic } = member(log);
    log.failAppends(1);
    await expect(topic.publish(log)).rejects.toMatchObject({ code: "broker-unavailable" });
    await topic.publish(log);
    expect(log.allRecordsOf(TOPIC)).toHaveLength(published.length);
  });
});

describe("learning", () => {
  test("an older process reads what a newer one writes, though it was started before", async () => {
    const log = new MemoryRecordLog();
    const old = member(log);
    await old.topic.publish(log);
    expect(() => old.codec.decode(newerMark)).toThrow(/neither in schemas/);
    await member(log, nextSchemas()).topic.publish(log);
    await Promise.all([old.topic.learn([newerMark]), old.topic.learn([null, newerMark])]);
    expect({ ...old.codec.decode(newerMark) }).toEqual(mark);
    expect(old.reads).toBe(1);
  });

  test("messages of known versions, and bytes that are no message, cost nothing", async () => {
    const { topic, codec, calls } = member(new MemoryRecordLog());
    await topic.learn([codec.encode(mark), Buffer.from("{}"), new Uint8Array(), null]);
    expect(calls()).toBe(0);
  });

  test("garbage makes nobody read the topic again, until it has grown", async () => {
    const log = new MemoryRecordLog();
    const old = member(log);
    await old.topic.publish(log);
    await member(log, nextSchemas()).topic.publish(log);
    for (let fingerprint = 0n; fingerprint < 50n; fingerprint++) {
      await old.topic.learn([singleObjectHeader(fingerprint)]);
    }
    expect(old.reads).toBe(1);
    await log.append(TOPIC, [{ key: null, value: new Uint8Array() }]);
    await old.topic.learn([singleObjectHeader(0n)]);
    expect(old.reads).toBe(2);
  });

  test("an installation without the topic has nothing to learn", async () => {
    const old = member(new MemoryRecordLog());
    await old.topic.learn([newerMark]);
    expect(old.reads).toBe(0);
  });

  test("a topic that can't be read is no answer, and is asked again", async () => {
    const log = new MemoryRecordLog();
    await member(log, nextSchemas()).topic.publish(log);
    let isAway = true;
    const old = member(log, new KnownSchemas(published), async () => {
      if (isAway) throw new FruitstreamError("broker-unavailable", "no answer; try again");
    });
    await expect(old.topic.learn([newerMark])).rejects.toMatchObject({ code: "broker-unavailable" });
    isAway = false;
    await old.topic.learn([newerMark]);
    expect(old.codec.recognises(newerMark)).toBe(true);
  });

  test("what lies on the topic is believed only as far as its own fingerprint says", async () => {
    const log = new MemoryRecordLog();
    await log.ensureTopics([{ topic: TOPIC, partitions: 1 }]);
    const [first, ...others] = nextSchemas().published.map((schema) => ({
      key: formatFingerprint(schema.fingerprint),
      value: formatSchema(schema),
    }));
    const wrong = [
      { key: first!.key, value: others[0]!.value },
      { key: others[0]!.key, value: "{" },
      { key: others[1]!.key, value: '{"type":"record"}' },
      { key: "latest", value: first!.value },
      { key: "", value: "" },
    ];
    await log.append(TOPIC, [...wrong, ...others].map(asRecord));
    const old = member(log);
    await old.topic.learn([newerMark]);
    expect(old.warnings).toHaveLength(wrong.length);
    expect({ ...old.codec.decode(newerMark) }).toEqual(mark);
  });

  test("a schema that was written over with something else is put there again", async () => {
    const log = new MemoryRecordLog();
    await member(log).topic.publish(log);
    const key = formatFingerprint(published[0]!.fingerprint);
    await log.append(TOPIC, [asRecord({ key, value: "{}" })]);
    await member(log).topic.publish(log);
    const last = log.allRecordsOf(TOPIC).at(-1)!;
    expect(Buffer.from(last.value!).toString()).toBe(formatSchema(published[0]!));
  });
});

function asRecord({ key, value }: { key: string; value: string }) {
  return { key: Buffer.from(key), value: Buffer.from(value) };
}

/** A process with schemas of its own, by default those of this version. */
function member(log: MemoryRecordLog, known = new KnownSchemas(published), beforeRead = async () => {}) {
  const warnings: unknown[] = [];
  let [reads, questions] = [0, 0];
  const logger: Logger = Object.assign(Object.create(silentLogger), {
    warn: (_: unknown, text: string) => warnings.push(text),
  });
  const admin: MemoryRecordLog = Object.assign(Object.create(log), {
    partitionCount: (topic: string) => {
      questions += 1;
      return log.partitionCount(topic);
    },
    endOffsets: (topic: string) => log.endOffsets(topic),
    ensureTopics: (...args: Parameters<typeof log.ensureTopics>) => log.ensureTopics(...args),
  });
  const readTopic: typeof log.readTopic = async (topic, onRecord) => {
    await beforeRead();
    reads += 1;
    await log.readTopic(topic, onRecord);
  };
  return {
    known,
    warnings,
    topic: new SchemaTopic({ topic: TOPIC, log: { readTopic }, admin, logger, known }),
    codec: avroCodec<DeadLetterMark>("dead-letter-mark", known),
    get reads() {
      return reads;
    },
    calls: () => reads + questions,
  };
}
