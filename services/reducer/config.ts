import { statusServerConfig } from "#lib/http/status-server.ts";
import { kafkaConfig } from "#lib/log/kafka/kafka-config.ts";
import { partitionOffsetsSetting } from "#lib/log/partition-offsets.ts";
import { groupName, topicsConfig } from "#lib/messages/topics.ts";
import { type ConfigOf, setting, someText, wholeNumber } from "#lib/runtime/config.ts";
import { logConfig } from "#lib/runtime/logger.ts";
import { niceSetting } from "#lib/runtime/priority.ts";
import { s3Config } from "#lib/store/s3/s3-config.ts";
import { partitioningConfig } from "#lib/table/partitioning.ts";
import { knownModelsSetting, VECTOR_VALUES_MAX } from "./known-models.ts";

const MIB = 1_048_576;

/** What a reducer is told of its work, wherever its log and its store are. Each bound says why it is there. */
export const reducerWorkConfig = {
  ...topicsConfig,
  tableUri: setting("TABLE_URI", someText.describe("s3://bucket/prefix of the table; created when it is not there")),
  ...partitioningConfig,
  group: setting("REDUCER_GROUP", groupName("features", "fruitstream-reducers")),
  until: setting(
    "REDUCER_UNTIL",
    partitionOffsetsSetting
      .optional()
      .describe(
        "`partition:offset,…` of features: reads up to these offsets and not beyond, nothing of partitions that are not named, and ends once the table has them all; without it reads for ever",
      ),
  ),
  nice: setting("REDUCER_NICE", niceSetting),
  sessionMs: setting(
    "REDUCER_SESSION_MS",
    wholeNumber(6_000, 300_000)
      .default(30_000)
      .describe("without a heartbeat for so long, the group gives the partitions to others"),
  ),
  components: setting(
    "REDUCER_COMPONENTS",
    wholeNumber(1, 60).default(8).describe("k, the number of principal components"),
  ),
  vectorValuesMax: setting(
    "REDUCER_VECTOR_VALUES_MAX",
    wholeNumber(1, VECTOR_VALUES_MAX)
      .default(4_096)
      .describe(
        "longer vectors of a model that the table has no rows of are dead letters; moments take twelve bytes of memory for each pair of values",
      ),
  ),
  models: setting(
    "REDUCER_MODELS",
    knownModelsSetting
      .optional()
      .describe(
        "`MODEL=VALUES,…`: with it, vectors of a model that the table has no rows of are dead letters unless it is named here and they have as many values; without it the first vector of a model decides",
      ),
  ),
  windowRowsMax: setting(
    "REDUCER_WINDOW_ROWS_MAX",
    wholeNumber(1, 65_536)
      .default(4_096)
      .describe("rows in one table commit; a few thousand make files that readers like"),
  ),
  windowBytesMax: setting(
    "REDUCER_WINDOW_BYTES_MAX",
    wholeNumber(1_024, 1_024 * MIB)
      .default(32 * MIB)
      .describe("bytes of vectors in one table commit; writing them takes about five times as much memory"),
  ),
  windowMsMax: setting(
    "REDUCER_WINDOW_MS_MAX",
    wholeNumber(100, 3_600_000)
      .default(30_000)
      .describe(
        "a window is committed after so long, full or not; its age is looked at five times as often, and every 5 s at least",
      ),
  ),
  photoVersionsMax: setting(
    "REDUCER_PHOTO_VERSIONS_MAX",
    wholeNumber(0, 50_000_000)
      .default(2_000_000)
      .describe(
        "photo versions remembered of each features partition, at most, so that one announced again gets no second row; they take 27 MB of memory a million, the oldest are forgotten first; with 0 each announcement is a row",
      ),
  ),
  photoVersionsDaysMax: setting(
    "REDUCER_PHOTO_VERSIONS_DAYS_MAX",
    wholeNumber(1, 36_500)
      .default(400)
      .describe(
        "photo versions announced longer ago are not remembered; 400 so that last year's backfill may be repeated",
      ),
  ),
  basisAngleDegreesMax: setting(
    "REDUCER_BASIS_ANGLE_DEGREES_MAX",
    wholeNumber(1, 90)
      .default(5)
      .describe("a new basis is published when the components have turned by more than this angle"),
  ),
};

/** The group of reducers: one that is named, or the installation's own. */
export function reducerGroup({ group, topicPrefix }: Pick<ReducerWorkConfig, "group" | "topicPrefix">): string {
  return group ?? `${topicPrefix}fruitstream-reducers`;
}

export type ReducerWorkConfig = ConfigOf<typeof reducerWorkConfig>;

/** The settings of a reducer's process, all from the environment. */
export const reducerConfig = {
  ...logConfig,
  ...kafkaConfig,
  ...s3Config,
  ...statusServerConfig,
  ...reducerWorkConfig,
};
