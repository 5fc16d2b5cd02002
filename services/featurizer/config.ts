import { z } from "zod";
import { kafkaConfig } from "#lib/log/kafka/kafka-client.ts";
import { partitionOffsetsSetting } from "#lib/log/partition-offsets.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { runName } from "#lib/messages/run-name.ts";
import { topicsConfig } from "#lib/messages/topics.ts";
import { wholeNumber } from "#lib/runtime/config.ts";
import { niceSetting } from "#lib/runtime/priority.ts";
import { s3Config } from "#lib/store/s3/s3-config.ts";

const MIB = 1_048_576;

/** What a featurizer is told of its work, wherever its log and its store are. Each bound says why it is there. */
export const featurizerWorkConfig = {
  ...topicsConfig,
  FEATURIZER_MODEL_DIR: z
    .string()
    .describe("folder with the model's model.json, or the name of a model that comes with the project"),
  FEATURIZER_GROUP: z.string().min(1).default("fruitstream-featurizers").describe("consumer group on photos"),
  FEATURIZER_RUN: runName.default(LIVE_RUN).describe("name of the run that every row carries"),
  FEATURIZER_UNTIL: partitionOffsetsSetting
    .optional()
    .describe(
      "`partition:offset,…` of photos: reads up to these offsets and not beyond, nothing of partitions that are not named, and ends once its group has committed them all; without it reads for ever",
    ),
  FEATURIZER_NICE: niceSetting,
  FEATURIZER_SESSION_MS: wholeNumber(6_000, 300_000)
    .default(30_000)
    .describe("without a heartbeat for so long, the group gives the partitions to others"),
  FEATURIZER_WORKERS: wholeNumber(1, 256)
    .optional()
    .describe("inference threads; as many as cores by default, since each runs one single-threaded session"),
  FEATURIZER_BATCH_PHOTOS_MAX: wholeNumber(1, 256)
    .default(4)
    .describe("photos in one inference; larger batches gain no speed on a CPU and cost latency"),
  FEATURIZER_BATCH_WAIT_MS_MAX: wholeNumber(0, 1_000)
    .default(5)
    .describe("an idle worker waits at most so long for a fuller batch"),
  FEATURIZER_FETCHES_MAX: wholeNumber(1, 256)
    .default(16)
    .describe("photos fetched at the same time; hides the latency of S3"),
  FEATURIZER_DECODES_MAX: wholeNumber(1, 64)
    .default(4)
    .describe("photos decoded at the same time; each may hold a whole decoded photo in memory"),
  FEATURIZER_IN_FLIGHT_PHOTOS_MAX: wholeNumber(1, 4_096)
    .default(96)
    .describe("photos admitted and not yet published; enough to keep every stage busy"),
  FEATURIZER_IN_FLIGHT_BYTES_MAX: wholeNumber(1, 4_096 * MIB)
    .default(128 * MIB)
    .describe("their encoded bytes; bounds memory when photos are large"),
  FEATURIZER_PHOTO_BYTES_MAX: wholeNumber(1, 1_024 * MIB)
    .default(64 * MIB)
    .describe("larger photos are dead-lettered as too-large; no phone writes a JPEG of this size"),
  FEATURIZER_PHOTO_PIXELS_MAX: wholeNumber(1, 1_000_000_000)
    .default(64_000_000)
    .describe("photos with more pixels are dead-lettered as pixel-limit; guards against decompression bombs"),
  FEATURIZER_DEAD_LETTERS_PERCENT_MAX: wholeNumber(1, 100)
    .default(90)
    .describe("with a larger share of dead letters among the latest 200 photos the service stops and says why"),
  FEATURIZER_COMMIT_MS: wholeNumber(10, 60_000)
    .default(1_000)
    .describe("offsets are committed so often; a crash repeats at most this much work"),
};

export type FeaturizerWorkConfig = z.infer<z.ZodObject<typeof featurizerWorkConfig>>;

/** The settings of a featurizer's process, all from the environment. */
export const featurizerConfig = {
  ...kafkaConfig,
  ...s3Config,
  ...topicsConfig,
  HTTP_HOST: z.string().default("127.0.0.1").describe("address of /livez, /readyz and /metrics"),
  HTTP_PORT: wholeNumber(0, 65_535).default(0).describe("port of /livez, /readyz and /metrics; 0 takes a free one"),
  ...featurizerWorkConfig,
};
