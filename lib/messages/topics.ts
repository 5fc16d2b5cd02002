import { z } from "zod";
import { setting, wholeNumber } from "#lib/runtime/config.ts";

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
}

export function topicsWithPrefix(prefix: string): Topics {
  return {
    photos: `${prefix}photos`,
    features: `${prefix}features`,
    deadLetters: `${prefix}photos.dead-letters`,
    schemas: `${prefix}schemas`,
  };
}

/** The topics of messages as they are to be created where they are missing. Dead letters are few, and read by people. */
export function topicShapes({ photos, features, deadLetters }: Topics, partitions: number) {
  return [
    { topic: photos, partitions },
    { topic: features, partitions },
    { topic: deadLetters, partitions: 1 },
  ];
}
