import kafkajs, { type Admin, type IResourceConfigEntry } from "kafkajs";
import type { TopicSafety, TopicShape } from "../record-log.ts";
import { fromKafkaError } from "./kafka-client.ts";

const { ConfigResourceTypes, KafkaJSError } = kafkajs;

const DAY_MS = 86_400_000;
/** Small segments, since the newest one is never compacted. */
const COMPACTED_SEGMENT_BYTES = 2 ** 20;

/**
 * The settings of a topic to be created, said in full, so that a broker's defaults can't shorten what it keeps.
 *
 * The broker's clock stamps records. It refuses those that a producer whose clock is wrong dates an hour ahead, and would
 * let those from long ago expire at once. Segments end after a day, since records expire by the segment.
 *
 * @param replicas copies of each record that it will have, if that is known: where there are two or more, two must have a
 * record before it is acknowledged.
 */
export function topicConfig({ keep }: TopicShape, replicas: number | undefined): IResourceConfigEntry[] {
  const config = { "message.timestamp.type": "LogAppendTime" };
  const safe = replicas !== undefined && replicas >= 2 ? { "min.insync.replicas": "2" } : {};
  return Object.entries({ ...config, ...safe, ...retentionConfig(keep) }).map(([name, value]) => ({ name, value }));
}

function retentionConfig(keep: TopicShape["keep"]): Record<string, string> {
  if (keep === undefined) return {};
  if (keep === "compacted") return { "cleanup.policy": "compact", "segment.bytes": String(COMPACTED_SEGMENT_BYTES) };
  const forEver = { "cleanup.policy": "delete", "retention.bytes": "-1", "retention.ms": "-1" };
  if (keep === "for-ever") return forEver;
  return { ...forEver, "retention.ms": String(keep), "segment.ms": String(Math.min(keep, DAY_MS)) };
}

/** How many copies of its records a new topic has; undefined where the cluster does not let this client ask. */
export async function defaultReplicas(admin: Admin): Promise<number | undefined> {
  try {
    const { brokers } = await admin.describeCluster();
    const name = String(brokers[0]!.nodeId);
    const configNames = ["default.replication.factor"];
    const { resources } = await admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.BROKER, name, configNames }],
      includeSynonyms: false,
    });
    return Number(resources[0]!.configEntries[0]!.configValue);
  } catch (error) {
    if (!(error instanceof KafkaJSError)) throw error;
    return undefined;
  }
}

/** How safe the topics are that exist. @throws what Kafka refuses or can't do, as one of our errors. */
export async function readTopicSafety(admin: Admin, topics: readonly string[]): Promise<TopicSafety[]> {
  try {
    const existing = new Set(await admin.listTopics());
    const asked = topics.filter((topic) => existing.has(topic));
    if (asked.length === 0) return [];
    const configNames = ["cleanup.policy", "retention.ms", "min.insync.replicas"];
    const { resources } = await admin.describeConfigs({
      resources: asked.map((name) => ({ type: ConfigResourceTypes.TOPIC, name, configNames })),
      includeSynonyms: false,
    });
    const { topics: described } = await admin.fetchTopicMetadata({ topics: asked });
    return resources.map(({ resourceName: topic, configEntries }) => {
      const settingOf = (name: string) => configEntries.find(({ configName }) => configName === name)!.configValue;
      const partitions = described.find(({ name }) => name === topic)!.partitions;
      return {
        topic,
        cleanupPolicy: settingOf("cleanup.policy"),
        retentionMs: Number(settingOf("retention.ms")),
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        inSyncReplicasMin: Number(settingOf("min.insync.replicas")),
      };
    });
  } catch (error) {
    throw fromKafkaError(error, "describing topics");
  }
}
