import { randomUUID } from "node:crypto";
import type { Logger } from "#lib/runtime/logger.ts";
import type { LogRecord } from "../record-log.ts";
import { openAdmin } from "./kafka-admin.ts";
import type { KafkaSettings } from "./kafka-client.ts";
import { createConsumer } from "./kafka-consumer.ts";

/** The group exists for one reading only and commits nothing. */
const SESSION_MS_MAX = 30_000;

/**
 * Hands over every record that the topic holds when the call begins, partition by partition in order, and ends. The next
 * record waits for what the handler returns.
 *
 * @param from where to begin, by partition; one that is missing begins at its oldest record.
 */
export async function readTopic(
  settings: KafkaSettings,
  topic: string,
  logger: Logger,
  onRecord: (record: LogRecord) => void | Promise<void>,
  from: ReadonlyMap<number, number> = new Map(),
): Promise<void> {
  const admin = await openAdmin(settings, logger);
  const [ends, earliest] = await Promise.all([admin.endOffsets(topic), admin.earliestOffsets(topic)]).finally(() =>
    admin.close(),
  );
  // A partition whose records have all expired gives none, however high its end offset is.
  const starts = new Map(
    earliest.map(({ partition, offset }) => [partition, Math.max(offset, from.get(partition) ?? 0)]),
  );
  const missing = new Map(
    ends
      .filter(({ partition, offset }) => offset > starts.get(partition)!)
      .map(({ partition, offset }) => [partition, offset]),
  );
  if (missing.size === 0) return;

  const next = new Map(starts);
  const group = `fruitstream-read-${randomUUID()}`;
  const consumer = createConsumer({ ...settings, group, topic, sessionMsMax: SESSION_MS_MAX }, logger);
  await consumer.run({
    assigned: async (partitions) => new Map(partitions.map((partition) => [partition, starts.get(partition)!])),
    records: async (partition, records) => {
      for (const record of records) {
        const end = missing.get(partition);
        if (end === undefined) return;
        // After an interruption reading begins anew, since nothing is committed.
        if (record.offset < next.get(partition)!) continue;
        next.set(partition, record.offset + 1);
        await onRecord(record);
        if (record.offset >= end - 1) missing.delete(partition);
      }
      if (missing.size === 0) void consumer.stop();
    },
  });
}
