import { statusServerConfig } from "#lib/http/status-server.ts";
import { kafkaConfig } from "#lib/log/kafka/kafka-config.ts";
import { partitionOffsetsSetting } from "#lib/log/partition-offsets.ts";
import { runName } from "#lib/messages/message-bounds.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { bucketsSetting, photosBucketSetting } from "#lib/messages/photo-buckets.ts";
import { groupName, topicsConfig } from "#lib/messages/topics.ts";
import { DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import { type ConfigOf, setting, someText, wholeNumber } from "#lib/runtime/config.ts";
import { logConfig } from "#lib/runtime/logger.ts";
import { niceSetting } from "#lib/runtime/priority.ts";
import { s3Config } from "#lib/store/s3/s3-config.ts";

const MIB = 1_048_576;

/** What a featurizer is told of its work, wherever its log and its store are. Each bound says why it is there. */
export const featurizerWorkConfig = {
  ...topicsConfig,
  modelDir: setting(
    "FEATURIZER_MODEL_DIR",
    someText.describe("folder with the model's model.json, or the name of a model that comes with the project"),
  ),
  group: setting("FEATURIZER_GROUP", groupName("photos", "fruitstream-featurizers")),
  photosBucket: photosBucketSetting,
  buckets: bucketsSetting,
  run: setting("FEATURIZER_RUN", runName.default(LIVE_RUN).describe("name of the run that every row carries")),
  until: setting(
    "FEATURIZER_UNTIL",
    partitionOffsetsSetting
      .optional()
      .describe(
        "`partition:offset,…` of photos: reads up to these offsets and not beyond, nothing of partitions that are not named, and ends once its group has committed them all; without it reads for ever",
      ),
  ),
  nice: setting("FEATURIZER_NICE", niceSetting),
  sessionMs: setting(
    "FEATURIZER_SESSION_MS",
    wholeNumber(6_000, 300_000)
      .default(30_000)
      .describe("without a heartbeat for so long, the group gives the partitions to others"),
  ),
  workers: setting(
    "FEATURIZER_WORKERS",
    wholeNumber(1, 256)
      .optional()
      .describe("inference threads; as many as cores by default, since each runs one single-threaded session"),
  ),
  batchPhotosMax: setting(
    "FEATURIZER_BATCH_PHOTOS_MAX",
    wholeNumber(1, 256)
      .default(4)
      .describe("photos in one inference; larger batches gain no speed on a CPU and cost latency"),
  ),
  batchWaitMsMax: setting(
    "FEATURIZER_BATCH_WAIT_MS_MAX",
    wholeNumber(0, 1_000).default(5).describe("an idle worker waits at most so long for a fuller batch"),
  ),
  fetchesMax: setting(
    "FEATURIZER_FETCHES_MAX",
    wholeNumber(1, 256).default(16).describe("photos fetched at the same time; hides the latency of S3"),
  ),
  decodesMax: setting(
    "FEATURIZER_DECODES_MAX",
    wholeNumber(1, 64)
      .default(4)
      .describe("photos of little cost decoded at the same time in the featurizer itself; each takes up to 24 MiB"),
  ),
  decoderProcessesMax: setting(
    "FEATURIZER_DECODER_PROCESSES_MAX",
    wholeNumber(1, 64)
      .optional()
      .describe(
        "processes for the other photos, such as HEIC, AVIF and TIFF, one photo each; started when needed, about 80 MiB each; by default as many as cores, at most 4",
      ),
  ),
  decodeBytesMax: setting(
    "FEATURIZER_DECODE_BYTES_MAX",
    wholeNumber(32 * MIB, 65_536 * MIB)
      .default(DEFAULT_PHOTO_LIMITS.decodeBytesMax)
      .describe(
        "memory that the photos in decoder processes take together, by estimate; one that would take more alone is dead-lettered as pixel-limit",
      ),
  ),
  decodeMsMax: setting(
    "FEATURIZER_DECODE_MS_MAX",
    wholeNumber(100, 600_000)
      .default(30_000)
      .describe(
        "a decoder process that takes longer for a photo is ended; the second time, the photo is dead-lettered as decoder-killed",
      ),
  ),
  jpegScansMax: setting(
    "FEATURIZER_JPEG_SCANS_MAX",
    wholeNumber(1, 10_000)
      .default(DEFAULT_PHOTO_LIMITS.scansMax)
      .describe(
        "JPEGs of more scans are dead-lettered as pixel-limit, since each scan takes as long as the whole photo; programs write up to 20",
      ),
  ),
  inFlightPhotosMax: setting(
    "FEATURIZER_IN_FLIGHT_PHOTOS_MAX",
    wholeNumber(1, 4_096)
      .default(96)
      .describe("photos admitted and not yet published; enough to keep every stage busy"),
  ),
  inFlightBytesMax: setting(
    "FEATURIZER_IN_FLIGHT_BYTES_MAX",
    wholeNumber(1, 4_096 * MIB)
      .default(128 * MIB)
      .describe("their encoded bytes; bounds memory when photos are large"),
  ),
  photoBytesMax: setting(
    "FEATURIZER_PHOTO_BYTES_MAX",
    wholeNumber(1, 1_024 * MIB)
      .default(64 * MIB)
      .describe("larger photos are dead-lettered as too-large; no phone writes a JPEG of this size"),
  ),
  photoPixelsMax: setting(
    "FEATURIZER_PHOTO_PIXELS_MAX",
    wholeNumber(1, 4_000_000_000)
      .default(DEFAULT_PHOTO_LIMITS.pixelsMax)
      .describe(
        "photos with more pixels are dead-lettered as pixel-limit, since each pixel takes time; memory has a limit of its own",
      ),
  ),
  deadLettersPercentMax: setting(
    "FEATURIZER_DEAD_LETTERS_PERCENT_MAX",
    wholeNumber(1, 100)
      .default(90)
      .describe(
        "with a larger share of dead letters for reasons that no photo causes (not-found, unreadable-object, invalid-features) among the latest 200 photos the service stops and says why",
      ),
  ),
  commitMs: setting(
    "FEATURIZER_COMMIT_MS",
    wholeNumber(10, 60_000)
      .default(1_000)
      .describe("offsets are committed so often; a crash repeats at most this much work"),
  ),
};

/** The group of featurizers: one that is named, or the installation's own. */
export function featurizerGroup({ group, topicPrefix }: Pick<FeaturizerWorkConfig, "group" | "topicPrefix">): string {
  return group ?? `${topicPrefix}fruitstream-featurizers`;
}

export type FeaturizerWorkConfig = ConfigOf<typeof featurizerWorkConfig>;

/** The settings of a featurizer's process, all from the environment. */
export const featurizerConfig = {
  ...logConfig,
  ...kafkaConfig,
  ...s3Config,
  ...statusServerConfig,
  ...featurizerWorkConfig,
};
