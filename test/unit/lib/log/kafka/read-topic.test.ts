import { expect, test } from "vitest";
import { readSpan } from "#lib/log/kafka/read-topic.ts";
import { ReadingSpan } from "#lib/log/kafka/reading-span.ts";
import type { ConsumerHandlers, LogRecord, RecordConsumer } from "#lib/log/record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";

const TWO_PARTITIONS = () =>
  new ReadingSpan(
    new Map(),
    new Map([
      [0, 3],
      [1, 2],
    ]),
  );

test("a batch with records past the end ends the reading, with what lies before it", async () => {
  const reading = startReading();
  await reading.handlers.records(0, recordsOf(0, [0, 1, 2, 3, 4]));
  expect(reading.stops).toBe(0);
  await reading.handlers.records(1, recordsOf(1, [0, 1, 2]));
  await reading.ended;
  expect(reading.handled).toEqual(["0@0", "0@1", "0@2", "1@0", "1@1"]);
  expect(reading.stops).toBeGreaterThan(0);
});

test("a first record that is past the end already ends the reading", async () => {
  const reading = startReading();
  await reading.handlers.records(0, recordsOf(0, [7]));
  await reading.handlers.records(1, recordsOf(1, [2]));
  await reading.ended;
  expect(reading.handled).toEqual([]);
});

test("a tail in which there is nothing to hand over ends the reading", async () => {
  const reading = startReading();
  await reading.handlers.records(0, recordsOf(0, [0, 1]));
  reading.handlers.skipped!(0, 2, 3);
  reading.handlers.skipped!(1, 0, 2);
  await reading.ended;
  expect(reading.handled).toEqual(["0@0", "0@1"]);
});

test("after an interruption it reads on where it was, and hands nothing over twice", async () => {
  const reading = startReading();
  expect([...(await reading.handlers.assigned([0, 1]))]).toEqual([
    [0, 0],
    [1, 0],
  ]);
  await reading.handlers.records(0, recordsOf(0, [0, 1]));
  expect([...(await reading.handlers.assigned([0, 1]))]).toEqual([
    [0, 2],
    [1, 0],
  ]);
  await reading.handlers.records(0, recordsOf(0, [0, 1, 2]));
  await reading.handlers.records(1, recordsOf(1, [0, 1]));
  await reading.ended;
  expect(reading.handled).toEqual(["0@0", "0@1", "0@2", "1@0", "1@1"]);
});

test("records of all partitions wait for the handler, one after the other", async () => {
  const gate = Promise.withResolvers<void>();
  const reading = startReading({ onRecord: () => gate.promise });
  const both = [
    reading.handlers.records(0, recordsOf(0, [0, 1, 2])),
    reading.handlers.records(1, recordsOf(1, [0, 1])),
  ];
  await new Promise(setImmediate);
  expect(reading.handled).toEqual(["0@0"]);
  gate.resolve();
  await Promise.all(both);
  await reading.ended;
  expect(reading.handled).toHaveLength(5);
});

test("what the handler throws ends the reading with it; nothing more is handled and the consumer is stopped", async () => {
  const failure = new Error("the handler has failed");
  const reading = startReading({ onRecord: () => Promise.reject(failure) });
  const given = [0, 1].map((partition) => reading.handlers.records(partition, recordsOf(partition, [0, 1])));
  const outcomes = await Promise.allSettled(given);
  expect(outcomes[0]).toEqual({ status: "rejected", reason: failure });
  await expect(reading.ended).rejects.toBe(failure);
  expect(reading.handled).toEqual(["0@0"]);
  expect(reading.stops).toBeGreaterThan(0);
});

test("when nothing comes any more it ends with an error that says where it stood", async () => {
  const reading = startReading();
  await reading.handlers.records(0, recordsOf(0, [0]));
  await reading.passMinute();
  // Something has come in the first minute.
  expect(reading.stops).toBe(0);
  await reading.passMinute();
  await expect(reading.ended).rejects.toMatchObject({ code: "broker-unavailable" });
  await expect(reading.ended).rejects.toThrow(/"t".*0:1,1:0/);
  expect(reading.stops).toBeGreaterThan(0);
});

test("a handler that takes its time is waited for", async () => {
  const gate = Promise.withResolvers<void>();
  const reading = startReading({ onRecord: () => gate.promise });
  const handing = reading.handlers.records(0, recordsOf(0, [0, 1, 2]));
  for (let minute = 0; minute < 3; minute++) await reading.passMinute();
  expect(reading.stops).toBe(0);
  gate.resolve();
  await handing;
  await reading.handlers.records(1, recordsOf(1, [0, 1]));
  await reading.ended;
});

/** A reading of two partitions whose consumer and clock the test moves by hand. */
function startReading({ onRecord = async () => undefined }: { onRecord?: () => Promise<void> } = {}) {
  const handled: string[] = [];
  const finished = Promise.withResolvers<void>();
  let stops = 0;
  let handlers: ConsumerHandlers | undefined;
  const consumer: RecordConsumer = {
    run: async (given) => {
      handlers = {
        ...given,
        records: async (partition, records) => {
          try {
            await given.records(partition, records);
          } catch (error) {
            finished.reject(error);
            throw error;
          }
        },
      };
      await finished.promise;
    },
    seek: () => undefined,
    commit: async () => undefined,
    stop: async () => {
      stops += 1;
      finished.resolve();
    },
  };
  let wake: () => void = () => undefined;
  const clock = {
    ...systemClock,
    sleep: (_delayMs: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        wake = resolve;
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  };
  const ended = readSpan({ consumer, clock, topic: "t" }, TWO_PARTITIONS(), async ({ partition, offset }) => {
    handled.push(`${partition}@${offset}`);
    await onRecord();
  });
  ended.catch(() => undefined);
  return {
    handlers: handlers!,
    handled,
    ended,
    get stops() {
      return stops;
    },
    passMinute: async () => {
      wake();
      await new Promise(setImmediate);
    },
  };
}

function recordsOf(partition: number, offsets: readonly number[]): LogRecord[] {
  return offsets.map((offset) => ({ topic: "t", partition, offset, key: null, value: null }));
}
