import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { LogAdmin, LogRecord, PositionedProducer, RecordConsumer } from "#lib/log/record-log.ts";

/** A log to put to the test. */
export interface RecordLogHarness {
  readonly producer: PositionedProducer;
  readonly admin: LogAdmin;
  consumer(group: string, topic: string): RecordConsumer;
}

/** Groups of a real broker take seconds to form. */
const GROUP_MS_MAX = 30_000;
const PARTITIONS = 3;

/** What every log must keep, whoever is behind it. Works on topics and groups of its own, and leaves them. */
export function describeRecordLogContract(name: string, openLog: () => Promise<RecordLogHarness>): void {
  describe(`${name} as a record log`, { timeout: 2 * GROUP_MS_MAX }, () => {
    const members: Member[] = [];
    let log: RecordLogHarness;

    beforeAll(async () => {
      log = await openLog();
    });
    afterEach(async () => {
      await Promise.all(members.splice(0).map(({ consumer }) => consumer.stop()));
    });
    afterAll(async () => {
      await log.producer.close();
      await log.admin.close();
    });

    async function newTopic(): Promise<string> {
      const topic = `contract-${randomUUID()}`;
      await log.admin.ensureTopics([{ topic, partitions: PARTITIONS }]);
      return topic;
    }

    function join(group: string, topic: string, behaviour: Behaviour = {}): Member {
      const member = startMember(log.consumer(group, topic), behaviour);
      members.push(member);
      return member;
    }

    const append = (topic: string, partition: number, values: readonly string[]) =>
      log.producer.append(
        topic,
        values.map((value) => ({ partition, key: bytesOf(`key of ${value}`), value: bytesOf(value) })),
      );

    describe("admin", () => {
      it("deletes what lies below an offset, and keeps the offsets of the rest", async () => {
        const topic = await newTopic();
        const values = ["a", "b", "c", "d"].map((text) => ({ partition: 1, key: null, value: Buffer.from(text) }));
        await log.producer.append(topic, values);
        await log.admin.deleteBelow(topic, [{ partition: 1, offset: 3 }]);
        expect(await log.admin.earliestOffsets(topic)).toContainEqual({ partition: 1, offset: 3 });
        expect(await log.admin.endOffsets(topic)).toContainEqual({ partition: 1, offset: 4 });
      });

      it("creates what is missing and keeps what is there", async () => {
        const topic = await newTopic();
        await log.admin.ensureTopics([{ topic, partitions: PARTITIONS + 1 }]);
        expect(await log.admin.partitionCount(topic)).toBe(PARTITIONS);
      });

      it("knows no partitions of a topic that does not exist", async () => {
        expect(await log.admin.partitionCount(`missing-${randomUUID()}`)).toBeUndefined();
      });

      it("tells a topic from others by its id", async () => {
        const topics = [await newTopic(), await newTopic(), `missing-${randomUUID()}`];
        const ids = await log.admin.topicIds(topics);
        expect([...ids.keys()].sort()).toEqual(topics.slice(0, 2).sort());
        const [first] = topics;
        expect(await log.admin.topicIds([first!])).toEqual(new Map([[first, ids.get(first!)]]));
        expect([...ids.values()].every((id) => id.length > 10)).toBe(true);
      });

      it("adds partitions, which records go to and members get, and takes none away", async () => {
        const topic = await newTopic();
        const member = join(`group-${randomUUID()}`, topic);
        await waitFor(() => expect(member.owned).toHaveLength(PARTITIONS));
        await log.admin.addPartitions(topic, PARTITIONS + 2);
        expect(await log.admin.partitionCount(topic)).toBe(PARTITIONS + 2);
        await vi.waitFor(() => append(topic, PARTITIONS + 1, ["new"]), { timeout: GROUP_MS_MAX });
        await waitFor(() => expect(member.valuesOf(PARTITIONS + 1)).toEqual(["new"]));
        for (const count of [PARTITIONS, PARTITIONS + 2]) {
          await expect(log.admin.addPartitions(topic, count)).rejects.toMatchObject({ code: "usage" });
        }
      });

      it("counts a group's members", async () => {
        const [group, topic] = [`group-${randomUUID()}`, await newTopic()];
        expect(await log.admin.memberCount(group)).toBe(0);
        const member = join(group, topic);
        await vi.waitFor(async () => expect(await log.admin.memberCount(group)).toBe(1), { timeout: GROUP_MS_MAX });
        await member.consumer.stop();
        await vi.waitFor(async () => expect(await log.admin.memberCount(group)).toBe(0), { timeout: GROUP_MS_MAX });
      });

      it("counts the records of each partition", async () => {
        const topic = await newTopic();
        await append(topic, 1, ["a", "b"]);
        expect(await log.admin.endOffsets(topic)).toEqual([
          { partition: 0, offset: 0 },
          { partition: 1, offset: 2 },
          { partition: 2, offset: 0 },
        ]);
      });

      it("knows no offsets of a group that has committed nothing", async () => {
        expect(await log.admin.committedOffsets(`group-${randomUUID()}`, await newTopic())).toEqual([]);
      });
    });

    describe("admin, for replays", () => {
      it("finds the first record that was appended at a time or later, else the end", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a", "b"]);
        // Times have a resolution of a millisecond.
        const before = Date.now() + 1;
        await waitFor(() => expect(Date.now()).toBeGreaterThan(before));
        await append(topic, 0, ["c"]);
        expect(await log.admin.offsetsAtTime(topic, before)).toEqual([
          { partition: 0, offset: 2 },
          { partition: 1, offset: 0 },
          { partition: 2, offset: 0 },
        ]);
        expect((await log.admin.offsetsAtTime(topic, 0))[0]).toEqual({ partition: 0, offset: 0 });
      });

      it("commits where a group will start, and refuses a group that has members", async () => {
        const topic = await newTopic();
        const group = `group-${randomUUID()}`;
        await append(topic, 0, ["a", "b", "c"]);
        const starts = [
          { partition: 0, offset: 2 },
          { partition: 1, offset: 0 },
        ];
        await log.admin.commitOffsets(group, topic, starts);
        expect(await log.admin.committedOffsets(group, topic)).toEqual(starts);
        const member = join(group, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["c"]));
        await expect(log.admin.commitOffsets(group, topic, starts)).rejects.toMatchObject({ code: "usage" });
      });
    });

    describe("producer", () => {
      it("tells where a record went", async () => {
        const topic = await newTopic();
        await append(topic, 1, ["a", "b"]);
        const record = { partition: 1, key: null, value: bytesOf("c") };
        expect(await log.producer.appendOne(topic, record)).toEqual({ partition: 1, offset: 2 });
      });

      it("appends to the partition of the key's murmur2 hash, as Kafka's own clients do", async () => {
        const topic = await newTopic();
        for (const { key, hash } of MURMUR2_OF_KAFKA) {
          const before = await log.admin.endOffsets(topic);
          await log.producer.append(topic, [{ key: bytesOf(key), value: bytesOf("x") }]);
          const partition = (hash & 0x7fff_ffff) % PARTITIONS;
          const after = before.map((end) => ({ ...end, offset: end.offset + (end.partition === partition ? 1 : 0) }));
          expect(await log.admin.endOffsets(topic)).toEqual(after);
        }
      });

      it("keeps the order of one call, many records long", async () => {
        const topic = await newTopic();
        const values = Array.from({ length: 2500 }, (_, index) => `${index}`.padStart(500, "."));
        await append(topic, 0, values);
        const member = join(`group-${randomUUID()}`, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(values));
      });
    });

    describe("consumer", () => {
      it("hands over keys, values and offsets from the earliest record on, then what comes later", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a", "b"]);
        const member = join(`group-${randomUUID()}`, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a", "b"]));
        await append(topic, 0, ["c"]);
        await append(topic, 2, ["z"]);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a", "b", "c"]));
        await waitFor(() => expect(member.valuesOf(2)).toEqual(["z"]));
        expect(member.offsetsOf(0)).toEqual([0, 1, 2]);
        expect(member.records[0]).toMatchObject({ topic, partition: 0 });
        expect(textOf(member.records[0]!.key)).toBe("key of a");
      });

      it("is told of its partitions before it is given records", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a"]);
        const member = join(`group-${randomUUID()}`, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a"]));
        expect(member.events[0]).toBe("assigned 0,1,2");
      });

      it("starts where the owner says", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a", "b", "c"]);
        await append(topic, 1, ["x", "y"]);
        const starts = new Map([
          [0, 2],
          [1, 0],
        ]);
        const member = join(`group-${randomUUID()}`, topic, { starts });
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["c"]));
        await waitFor(() => expect(member.valuesOf(1)).toEqual(["x", "y"]));
      });

      it("starts at the committed offset, partition by partition, when the owner names no other", async () => {
        const topic = await newTopic();
        const group = `group-${randomUUID()}`;
        await append(topic, 0, ["a", "b", "c"]);
        await append(topic, 1, ["x"]);
        const first = join(group, topic);
        await waitFor(() => expect(first.valuesOf(0)).toEqual(["a", "b", "c"]));
        await first.consumer.commit([{ partition: 0, offset: 2 }]);
        expect(await log.admin.committedOffsets(group, topic)).toEqual([{ partition: 0, offset: 2 }]);
        await first.consumer.stop();
        const second = join(group, topic);
        await waitFor(() => expect(second.valuesOf(0)).toEqual(["c"]));
        await waitFor(() => expect(second.valuesOf(1)).toEqual(["x"]));
      });

      it("fails to commit while it is not in its group, before it joins and after it has left", async () => {
        const topic = await newTopic();
        const group = `group-${randomUUID()}`;
        const offsets = [{ partition: 0, offset: 1 }];
        const refusal = { code: "broker-unavailable" };
        await append(topic, 0, ["a"]);
        await expect(log.consumer(group, topic).commit(offsets)).rejects.toMatchObject(refusal);
        const member = join(group, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a"]));
        await member.consumer.stop();
        await expect(member.consumer.commit(offsets)).rejects.toMatchObject(refusal);
        expect(await log.admin.committedOffsets(group, topic)).toEqual([]);
      });

      it("commits nothing by itself", async () => {
        const topic = await newTopic();
        const group = `group-${randomUUID()}`;
        await append(topic, 0, ["a"]);
        const member = join(group, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a"]));
        await member.consumer.stop();
        expect(await log.admin.committedOffsets(group, topic)).toEqual([]);
      });

      it("reads on from where it was told to seek, backwards and forwards", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a", "b", "c"]);
        const member = join(`group-${randomUUID()}`, topic);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a", "b", "c"]));
        member.consumer.seek(0, 1);
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a", "b", "c", "b", "c"]));
        member.consumer.seek(0, 4);
        await append(topic, 0, ["d", "e"]);
        await waitFor(() => expect(member.valuesOf(0).at(-1)).toBe("e"));
        expect(member.valuesOf(0)).not.toContain("d");
      });

      it("does not go on behind a seek made while records are in hand", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a", "b"]);
        const gate = Promise.withResolvers<void>();
        const member = join(`group-${randomUUID()}`, topic, { hold: () => gate.promise });
        await waitFor(() => expect(member.valuesOf(0)).toContain("a"));
        member.consumer.seek(0, 0);
        gate.resolve();
        const seen = member.valuesOf(0).length;
        await waitFor(() => expect(member.valuesOf(0).length).toBeGreaterThan(seen));
        expect(member.valuesOf(0)[seen]).toBe("a");
      });

      it("waits with a partition whose records are in hand, and goes on with the others", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a"]);
        const gate = Promise.withResolvers<void>();
        const hold = (partition: number) => (partition === 0 ? gate.promise : Promise.resolve());
        const member = join(`group-${randomUUID()}`, topic, { hold });
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a"]));
        await append(topic, 0, ["b"]);
        await append(topic, 1, ["x"]);
        await waitFor(() => expect(member.valuesOf(1)).toEqual(["x"]));
        await append(topic, 1, ["y"]);
        await waitFor(() => expect(member.valuesOf(1)).toEqual(["x", "y"]));
        expect(member.valuesOf(0)).toEqual(["a"]);
        gate.resolve();
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a", "b"]));
      });

      it("ends its run with what a handler threw", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a"]);
        const failure = new Error("the handler has failed");
        const member = join(`group-${randomUUID()}`, topic, { hold: () => Promise.reject(failure) });
        expect(await member.ended).toBe(failure);
      });

      it("ends its run when it is stopped, twice as well", async () => {
        const topic = await newTopic();
        const member = join(`group-${randomUUID()}`, topic);
        await waitFor(() => expect(member.events).toContain("assigned 0,1,2"));
        await Promise.all([member.consumer.stop(), member.consumer.stop()]);
        expect(await member.ended).toBeUndefined();
        await append(topic, 0, ["a"]);
        expect(member.records).toEqual([]);
      });

      it("stops while records are in hand", async () => {
        const topic = await newTopic();
        await append(topic, 0, ["a"]);
        const member = join(`group-${randomUUID()}`, topic, { hold: () => new Promise(() => {}) });
        await waitFor(() => expect(member.valuesOf(0)).toEqual(["a"]));
        await member.consumer.stop();
        expect(await member.ended).toBeUndefined();
      });

      it("shares a topic's partitions out, and takes over those of a member that leaves", async () => {
        const topic = await newTopic();
        const group = `group-${randomUUID()}`;
        const first = join(group, topic);
        await waitFor(() => expect(first.owned).toEqual([0, 1, 2]));
        const second = join(group, topic);
        await waitFor(() => {
          expect([...first.owned, ...second.owned].sort()).toEqual([0, 1, 2]);
          expect(first.owned.length).toBeGreaterThan(0);
          expect(second.owned.length).toBeGreaterThan(0);
        });
        await second.consumer.stop();
        await waitFor(() => expect(first.owned).toEqual([0, 1, 2]));
        for (let partition = 0; partition < PARTITIONS; partition++) await append(topic, partition, [`p${partition}`]);
        await waitFor(() => expect(first.records.map(({ value }) => textOf(value)).sort()).toEqual(["p0", "p1", "p2"]));
      });
    });
  });
}

/** Vectors of Kafka's own UtilsTest.testMurmur2. */
const MURMUR2_OF_KAFKA = [
  { key: "21", hash: -973932308 },
  { key: "foobar", hash: -790332482 },
  { key: "a-little-bit-long-string", hash: -985981536 },
  { key: "a-little-bit-longer-string", hash: -1486304829 },
  { key: "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", hash: -58897971 },
  { key: "abc", hash: 479470107 },
];

interface Behaviour {
  readonly starts?: ReadonlyMap<number, number>;
  /** What each handed batch waits for. */
  readonly hold?: (partition: number) => Promise<void>;
}

type Member = ReturnType<typeof startMember>;

/** Runs a consumer that keeps all it was told. */
function startMember(consumer: RecordConsumer, { starts = new Map(), hold = async () => {} }: Behaviour) {
  const events: string[] = [];
  const records: LogRecord[] = [];
  let owned: readonly number[] = [];
  const run = consumer.run({
    async assigned(partitions) {
      owned = [...partitions].sort();
      events.push(`assigned ${owned.join()}`);
      return starts;
    },
    async records(partition, batch) {
      events.push(`records of ${partition}`);
      records.push(...batch);
      await hold(partition);
    },
  });
  const of = (partition: number) => records.filter((record) => record.partition === partition);
  return {
    consumer,
    events,
    records,
    /** What `run` ended with: undefined after a stop, else what it threw. */
    ended: run.catch((error: unknown) => error),
    get owned() {
      return owned;
    },
    valuesOf: (partition: number) => of(partition).map(({ value }) => textOf(value)),
    offsetsOf: (partition: number) => of(partition).map(({ offset }) => offset),
  };
}

async function waitFor(condition: () => void): Promise<void> {
  await vi.waitFor(condition, { timeout: GROUP_MS_MAX, interval: 10 });
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}
