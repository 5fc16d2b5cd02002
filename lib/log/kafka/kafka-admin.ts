import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { retryWithin } from "#lib/runtime/retry.ts";
import { requireFewer } from "../partition-offsets.ts";
import type { LogAdmin, PartitionOffset } from "../record-log.ts";
import { createKafka, fromKafkaError, type KafkaSettings } from "./kafka-client.ts";
import { safeOffset } from "./kafka-records.ts";
import { type PartitionOfTopic, topicIdOf } from "./topic-ids.ts";
import { defaultReplicas, readTopicSafety, topicConfig } from "./topic-settings.ts";

/** Kafka's value for "this group has committed nothing here". */
const NO_OFFSET = "-1";

/** A cluster that has just started needs seconds until its coordinators and leaders answer. */
const ATTEMPT_MS_MAX = 20_000;

export async function openAdmin(settings: KafkaSettings, logger: Logger): Promise<LogAdmin> {
  const admin = createKafka(settings, logger).admin();
  const attempt = <T>(doing: string, step: () => Promise<T>): Promise<T> =>
    retryWithin(ATTEMPT_MS_MAX, async () => {
      try {
        return await step();
      } catch (error) {
        throw fromKafkaError(error, doing);
      }
    });
  await attempt(`connecting to ${settings.brokers.join(",")}`, () => admin.connect());

  /** Those of the topics that exist. Asked for by its name, one that does not might be created, or be waited for. */
  const describeExisting = async (topics: readonly string[]) => {
    const all = await admin.fetchTopicMetadata();
    return all.topics.filter(({ name }) => topics.includes(name));
  };
  const created = new Set<string>();
  return {
    ensureTopics: (topics) =>
      attempt("creating topics", async () => {
        const existing = new Set(await admin.listTopics());
        const missing = topics.filter(({ topic }) => !existing.has(topic));
        // -1 leaves the replication factor to the cluster's default.replication.factor.
        const replicas = missing.length > 0 ? await defaultReplicas(admin) : undefined;
        const wanted = missing.map((shape) => ({
          topic: shape.topic,
          numPartitions: shape.partitions,
          replicationFactor: -1,
          configEntries: topicConfig(shape, replicas),
        }));
        if (wanted.length > 0) await admin.createTopics({ topics: wanted, waitForLeaders: false });
        for (const { topic } of missing) created.add(topic);
        // Metadata name a leader before it leads; leaders that answer for their offsets do.
        for (const { topic } of topics) {
          await admin.fetchTopicOffsets(topic).catch((error) => {
            // Of a topic that was there, a partition may be away for long, which is for its own work to wait for.
            const isAway = !created.has(topic) && fateOf(fromKafkaError(error, "looking for leaders")) === "retry";
            if (!isAway) throw error;
          });
        }
      }),
    topicSafety: (topics) => attempt("describing topics", () => readTopicSafety(admin, topics)),
    partitionCount: (topic) =>
      attempt(`describing topic "${topic}"`, async () => {
        const [described] = await describeExisting([topic]);
        return described?.partitions.length;
      }),
    topicIds: (topics) =>
      attempt("asking for the ids of topics", async () => {
        const ids = (await describeExisting(topics)).map(
          ({ name, partitions }) => [name, topicIdOf(partitions as PartitionOfTopic[])] as const,
        );
        return new Map(ids.filter((entry): entry is [string, string] => entry[1] !== undefined));
      }),
    addPartitions: async (topic, count) => {
      const { topics } = await attempt("describing topics", () => admin.fetchTopicMetadata({ topics: [topic] }));
      requireFewer(topic, topics[0]!.partitions.length, count);
      await attempt(`adding partitions to "${topic}"`, async () => {
        // A request whose answer was lost has added them.
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        if (topics[0]!.partitions.length < count) {
          await admin.createPartitions({ topicPartitions: [{ topic, count }] });
        }
        const offsets = await admin.fetchTopicOffsets(topic);
        if (offsets.length < count) throw notYet(topic, offsets.length, count);
      });
    },
    memberCount: (group) =>
      attempt(`describing group "${group}"`, async () => {
        const { groups } = await admin.describeGroups([group]);
        return groups[0]?.members.length ?? 0;
      }),
    endOffsets: (topic) =>
      attempt(`reading the end offsets of "${topic}"`, async () => {
        const offsets = await admin.fetchTopicOffsets(topic);
        return byPartition(offsets.map(({ partition, high }) => ({ partition, offset: high })));
      }),
    earliestOffsets: (topic) =>
      attempt(`reading the earliest offsets of "${topic}"`, async () => {
        const offsets = await admin.fetchTopicOffsets(topic);
        return byPartition(offsets.map(({ partition, low }) => ({ partition, offset: low })));
      }),
    offsetsAtTime: (topic, timeMs) =>
      attempt(`reading the offsets of "${topic}" at a time`, async () => {
        return byPartition(await admin.fetchTopicOffsetsByTimestamp(topic, timeMs));
      }),
    committedOffsets: (group, topic) =>
      attempt(`reading the offsets of group "${group}"`, async () => {
        const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        return byPartition((committed?.partitions ?? []).filter(({ offset }) => offset !== NO_OFFSET));
      }),
    commitOffsets: (group, topic, offsets) =>
      attempt(`committing offsets for group "${group}"`, async () => {
        const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
        await admin.setOffsets({ groupId: group, topic, partitions }).catch((error) => {
          if (!/no running instances/.test(String(error))) throw error;
          const message = `consumer group "${group}" has members at work; wait until they are done, or stop them`;
          throw new FruitstreamError("usage", message, { cause: error });
        });
      }),
    deleteBelow: (topic, offsets) =>
      attempt(`deleting records of "${topic}"`, async () => {
        const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
        await admin.deleteTopicRecords({ topic, partitions });
      }),
    close: () => admin.disconnect(),
  };
}

/** The client's offsets as the port has them: numbers, in the order of the partitions. */
function byPartition(offsets: readonly { partition: number; offset: string }[]): PartitionOffset[] {
  return offsets
    .map(({ partition, offset }) => ({ partition, offset: safeOffset(offset) }))
    .sort((a, b) => a.partition - b.partition);
}

function notYet(topic: string, has: number, count: number): FruitstreamError {
  return new FruitstreamError("broker-unavailable", `brokers know ${has} of ${count} partitions of "${topic}" so far`);
}
