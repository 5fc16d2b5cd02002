import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { formatPartitionOffsets, offsetMap } from "../partition-offsets.ts";
import type { LogRecord, RecordConsumer } from "../record-log.ts";
import { openAdmin } from "./kafka-admin.ts";
import type { KafkaSettings } from "./kafka-client.ts";
import { createConsumer } from "./kafka-consumer.ts";
import { ReadingSpan } from "./reading-span.ts";

/** The group exists for one reading only and commits nothing. */
const SESSION_MS_MAX = 30_000;
/** A reading that nothing comes of for so long is given up; forming its group takes seconds. */
const STALL_MS_MAX = 60_000;
/** How long a reading that has failed waits for its consumer to leave the group. */
const LEAVE_MS_MAX = 5_000;

type OnRecord = (record: LogRecord) => void | Promise<void>;

/**
 * Hands over every record that the topic holds when the call begins, partition by partition in order, and ends. The next
 * record, of whichever partition, waits for what the handler returns.
 *
 * @param from where to begin, by partition; one that is missing begins at its oldest record.
 * @throws what the handler threw, or broker-unavailable when for a minute no record comes though there should be one.
 */
export async function readTopic(
  settings: KafkaSettings,
  topic: string,
  logger: Logger,
  onRecord: OnRecord,
  from: ReadonlyMap<number, number> = new Map(),
): Promise<void> {
  const admin = await openAdmin(settings, logger);
  const [ends, earliest] = await Promise.all([admin.endOffsets(topic), admin.earliestOffsets(topic)]).finally(() =>
    admin.close(),
  );
  // A partition whose records have all expired gives none, however high its end offset is.
  const starts = earliest.map(({ partition, offset }): [number, number] => [
    partition,
    Math.max(offset, from.get(partition) ?? 0),
  ]);
  const span = new ReadingSpan(new Map(starts), offsetMap(ends));
  if (span.isDone) return;

  const group = `fruitstream-read-${randomUUID()}`;
  const consumer = createConsumer({ ...settings, group, topic, sessionMsMax: SESSION_MS_MAX }, logger);
  await readSpan({ consumer, clock: systemClock, topic }, span, onRecord);
}

export interface ReadSpanDeps {
  /** The only member of its group; used up by the reading. */
  readonly consumer: RecordConsumer;
  readonly clock: Clock;
  /** For what errors say. */
  readonly topic: string;
}

/** Hands over the span's records, each once, and ends when it is done. However it ends, the consumer is stopped. */
export async function readSpan(
  { consumer, clock, topic }: ReadSpanDeps,
  span: ReadingSpan,
  onRecord: OnRecord,
): Promise<void> {
  const over = new AbortController();
  const inTurn = pLimit(1);
  let isHandling = false;

  const endWhenDone = () => {
    // `run` ends with the stop. Waiting for it here would wait for the call that this belongs to.
    if (span.isDone) consumer.stop().catch(() => undefined);
  };
  const handle = async (record: LogRecord) => {
    if (over.signal.aborted) return;
    isHandling = true;
    try {
      if (span.isDue(record)) await onRecord(record);
      span.moveTo(record.partition, record.offset + 1);
    } catch (error) {
      // Records of other partitions may wait for their turn already.
      over.abort(error);
      throw error;
    } finally {
      isHandling = false;
    }
  };
  const run = consumer.run({
    // After an interruption reading goes on where it was, since nothing is committed.
    assigned: async (partitions) => new Map([...span.next].filter(([partition]) => partitions.includes(partition))),
    records: async (_partition, records) => {
      await inTurn(async () => {
        for (const record of records) await handle(record);
      });
      endWhenDone();
    },
    skipped: (partition, _fromOffset, nextOffset) => {
      span.moveTo(partition, nextOffset);
      endWhenDone();
    },
  });
  const stall = (async () => {
    for (let before = ""; isHandling || before !== formatPartitionOffsets(span.open); ) {
      before = formatPartitionOffsets(span.open);
      await clock.sleep(STALL_MS_MAX, over.signal);
    }
    throw new FruitstreamError(
      "broker-unavailable",
      `reading "${topic}" got nothing for ${STALL_MS_MAX / 1_000} s, though there is more from offsets ${formatPartitionOffsets(span.open)} (partition:offset) on; see whether their brokers are up and try again`,
    );
  })();

  try {
    await Promise.race([run, stall]);
  } catch (error) {
    over.abort(error);
    const leaving = new AbortController();
    const timeout = clock.sleep(LEAVE_MS_MAX, leaving.signal).catch(() => undefined);
    await Promise.race([consumer.stop().catch(() => undefined), timeout]);
    leaving.abort();
    throw error;
  } finally {
    over.abort();
    stall.catch(() => undefined);
  }
}
