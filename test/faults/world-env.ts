import type { TableLocation } from "#lib/table/table-location.ts";

/** By the photos' own hours: commits of many files. */
export const PARTITIONING = { by: "hour", time: "capture" } as const;

export interface WorldEnvParts {
  /** How the stack is reached, through the proxies. */
  readonly stackEnv: Readonly<Record<string, string>>;
  readonly bucket: string;
  /** Names topics. */
  readonly id: string;
  readonly modelFolder: string;
  readonly location: TableLocation;
  readonly groups: Readonly<Record<"featurizer" | "reducer", string>>;
}

/** What a world's services and commands are told by their environment. */
export function worldEnv(parts: WorldEnvParts): Record<string, string> {
  const { stackEnv, bucket, id, modelFolder, location, groups } = parts;
  return {
    ...stackEnv,
    PHOTOS_BUCKET: bucket,
    TOPIC_PREFIX: `${id}.`,
    TABLE_URI: `s3://${bucket}/${location.prefix}`,
    TABLE_PARTITION_BY: PARTITIONING.by,
    TABLE_PARTITION_TIME: PARTITIONING.time,
    HTTP_PORT: "0",
    FEATURIZER_MODEL_DIR: modelFolder,
    FEATURIZER_GROUP: groups.featurizer,
    FEATURIZER_WORKERS: "1",
    FEATURIZER_COMMIT_MS: "200",
    FEATURIZER_SESSION_MS: "6000",
    REDUCER_GROUP: groups.reducer,
    REDUCER_SESSION_MS: "6000",
    // Every round finds something to compact.
    MAINTAINER_INTERVAL_MS: "1000",
    MAINTAINER_QUIET_MS: "0",
    // Many small commits, so that a fault meets one.
    REDUCER_WINDOW_MS_MAX: "100",
  };
}
