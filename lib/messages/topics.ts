import { z } from "zod";
import type { TopicShape } from "#lib/log/record-log.ts";
import { defaultOf, setting, wholeNumber } from "#lib/runtime/config.ts";

const DAY_MS = 86_400_000;
const retentionDays = wholeNumber(1, 3_650);

/** The environment variables that name and shape the topics. Part of every service's configuration. */
export const topicsConfig = {
  topicPrefix: setting(
    "TOPIC_PREFIX",
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,100}$/, "must be at most 100 letters, digits, dots, dashes or underscores")
      .default("")
      .describe("prepended to every topic's name: keeps several installations apart on one cluster"),
  ),
  topicPartitions: setting(
    "TOPIC_PARTITIONS",
    wholeNumber(1, 10_000)
      .default(4)
      .describe(
        "partitions of topics that are not there yet: the most featurizers, and reducers, that can share the work",
      ),
  ),
  topicPhotosRetentionDays: setting(
    "TOPIC_PHOTOS_RETENTION_DAYS",
    retentionDays.default(30).describe("how long a topic of photos that is not there yet will keep them for replays"),
  ),
  topicFeaturesRetentionDays: setting(
    "TOPIC_FEATURES_RETENTION_DAYS",
    retentionDays
      .default(7)
      .describe(
        "how long a topic of vectors that is not there yet will keep them; longer than any outage of the reducers",
      ),
  ),
};

/** How long the topics keep records. Those of schemas and dead letters keep them for good. */
export interface TopicRetention {
  readonly topicPhotosRetentionDays: number;
  readonly topicFeaturesRetentionDays: number;
}

export const DEFAULT_RETENTION: TopicRetention = {
  topicPhotosRetentionDays: defaultOf(topicsConfig.topicPhotosRetentionDays),
  topicFeaturesRetentionDays: defaultOf(topicsConfig.topicFeaturesRetentionDays),
};

/** Type of a setting that names a consumer group. Without it two installations on one cluster never share a group. */
export function groupName(topic: string, name: string) {
  return z.string().min(1).optional().describe(`consumer group on ${topic}; by default TOPIC_PREFIX and \`${name}\``);
}

/** The names of the project's topics. A prefix keeps several installations, or several demos, apart on one cluster. */
export interface Topics {
  readonly photos: string;
  readonly features: string;
  readonly deadLetters: string;
  /** Compacted; `SchemaTopic` creates it. */
  readonly schemas: string;
  /** Compacted: which photos are not to come back (`ForgottenTopic`). */
  readonly forgotten: string;
}

export function topicsWithPrefix(prefix: string): Topics {
  return {
    photos: `${prefix}photos`,
    features: `${prefix}features`,
    deadLetters: `${prefix}photos.dead-letters`,
    schemas: `${prefix}schemas`,
    forgotten: `${prefix}forgotten`,
  };
}

/** The topics of messages as they are to be created where they are missing. Dead letters are few, and read by people. */
export function topicShapes(
  { photos, features, deadLetters, forgotten }: Topics,
  partitions: number,
  { topicPhotosRetentionDays, topicFeaturesRetentionDays }: TopicRetention = DEFAULT_RETENTION,
): TopicShape[] {
  return [
    { topic: photos, partitions, keep: topicPhotosRetentionDays * DAY_MS },
    { topic: features, partitions, keep: topicFeaturesRetentionDays * DAY_MS },
    { topic: deadLetters, partitions: 1, keep: "for-ever" },
    { topic: forgotten, partitions: 1, keep: "compacted" },
  ];
}

/** The topic of schemas: without one of them its messages can't be read any more. */
export function schemaTopicShape(topic: string): TopicShape {
  return { topic, partitions: 1, keep: "compacted" };
}
