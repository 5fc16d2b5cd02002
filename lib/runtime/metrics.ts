import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Every metric of the project, in one place. Each help text says what is counted, then what an operator does with it. */
export const registry = new Registry();
collectDefaultMetrics({ register: registry });

const STAGE_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

const ROUND_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600];

export const metrics = {
  ingestPhotos: new Counter({
    name: "fruitstream_ingest_photos_total",
    help: "Photos announced on the topic, by intake (http, folder, listing). Compare with featurizer_photos_total: the difference is waiting or dead-lettered.",
    labelNames: ["intake"],
    registers: [registry],
  }),
  ingestRefused: new Counter({
    name: "fruitstream_ingest_refused_total",
    help: "Uploads refused, by HTTP status. More 4xx: correct the client. More 5xx: look at S3 and Kafka.",
    labelNames: ["status"],
    registers: [registry],
  }),
  featurizerPhotos: new Counter({
    name: "fruitstream_featurizer_photos_total",
    help: "Photos whose vector was published. If it stays flat while the group has lag, look at featurizer_stage_seconds.",
    registers: [registry],
  }),
  featurizerForgotten: new Counter({
    name: "fruitstream_featurizer_forgotten_total",
    help: "Announcements passed over because their photo is forgotten. If it rises steadily, find who goes on announcing such photos.",
    registers: [registry],
  }),
  featurizerStageSeconds: new Histogram({
    name: "fruitstream_featurizer_stage_seconds",
    help: "Seconds that one photo takes in fetch, decode and infer, and one batch in publish. Scale the slowest stage.",
    labelNames: ["stage"],
    buckets: STAGE_SECONDS,
    registers: [registry],
  }),
  featurizerCpuSeconds: new Counter({
    name: "fruitstream_featurizer_cpu_seconds_total",
    help: "CPU time by stage: resize and infer on the inference threads, decode (of small JPEGs) and encode on the main thread. The rest of process_cpu_seconds_total is other decoding and the S3 and Kafka clients. Optimise the largest part first.",
    labelNames: ["stage"],
    registers: [registry],
  }),
  featurizerInFlightBytes: new Gauge({
    name: "fruitstream_featurizer_in_flight_bytes",
    help: "Encoded bytes of photos admitted and not yet published. Constantly at FEATURIZER_IN_FLIGHT_BYTES_MAX: the featurizer is saturated, add another.",
    registers: [registry],
  }),
  deadLetters: new Counter({
    name: "fruitstream_dead_letters_total",
    help: "Records written to the dead letters, by reason. If it rises steadily, look at the newest ones with `fruitstream dead-letters list`.",
    labelNames: ["reason"],
    registers: [registry],
  }),
  retries: new Counter({
    name: "fruitstream_retries_total",
    help: "Failed attempts that will be retried, by step. A rise means that S3 or Kafka is unavailable or slow.",
    labelNames: ["step"],
    registers: [registry],
  }),
  reducerRows: new Counter({
    name: "fruitstream_reducer_rows_total",
    help: "Rows committed to the table. If it stays flat while the group has lag, look at reducer_commit_seconds.",
    registers: [registry],
  }),
  reducerRepeats: new Counter({
    name: "fruitstream_reducer_repeats_total",
    help: "Vectors dropped because the table already has their source position. Expected after a featurizer crashed or was rebalanced; at other times check that no two models share a run.",
    registers: [registry],
  }),
  reducerKnown: new Counter({
    name: "fruitstream_reducer_known_total",
    help: "Vectors dropped because the table already has their photo version, by another announcement. Each cost an inference: if it rises steadily, find who announces photos twice.",
    registers: [registry],
  }),
  reducerForgotten: new Counter({
    name: "fruitstream_reducer_forgotten_total",
    help: "Vectors dropped because their photo is forgotten. Expected for photos that were under way, and in replays of older vectors.",
    registers: [registry],
  }),
  reducerPhotoVersions: new Gauge({
    name: "fruitstream_reducer_photo_versions",
    help: "Photo versions remembered of the partitions of this reducer, 27 bytes each. At REDUCER_PHOTO_VERSIONS_MAX for each partition the oldest are forgotten: raise it where photos are announced again after longer.",
    registers: [registry],
  }),
  reducerCommits: new Counter({
    name: "fruitstream_reducer_commits_total",
    help: "Table commits, by outcome (committed, fenced). Fenced means that another reducer had taken over the partition; frequent ones mean frequent rebalances.",
    labelNames: ["outcome"],
    registers: [registry],
  }),
  reducerCommitSeconds: new Histogram({
    name: "fruitstream_reducer_commit_seconds",
    help: "Seconds from closing a window to its table commit. Above REDUCER_WINDOW_MS_MAX: add a reducer.",
    buckets: STAGE_SECONDS,
    registers: [registry],
  }),
  tableVersion: new Gauge({
    name: "fruitstream_table_version",
    help: "Newest table version that this reducer has seen. If reducers differ for long, the one behind is stuck: restart it.",
    registers: [registry],
  }),
  maintainerRounds: new Counter({
    name: "fruitstream_maintainer_rounds_total",
    help: "Rounds of maintenance, by outcome (done, overridden). Overridden means that another maintainer commits to the table; one is enough. If it stays flat, look at /readyz.",
    labelNames: ["outcome"],
    registers: [registry],
  }),
  maintainerRoundSeconds: new Histogram({
    name: "fruitstream_maintainer_round_seconds",
    help: "Seconds of one round of maintenance. Constantly far above MAINTAINER_INTERVAL_MS: the table grows faster than it is compacted, raise REDUCER_WINDOW_MS_MAX.",
    buckets: ROUND_SECONDS,
    registers: [registry],
  }),
  maintainerFiles: new Gauge({
    name: "fruitstream_maintainer_table_files",
    help: "Data files of the table's newest version. If it rises without an end, compaction fails: look for files_not_compacted in the log.",
    registers: [registry],
  }),
  maintainerCompactedFiles: new Counter({
    name: "fruitstream_maintainer_compacted_files_total",
    help: "Files that compaction has replaced by fewer. Compare with the files that reducers write.",
    registers: [registry],
  }),
  maintainerWrittenBytes: new Counter({
    name: "fruitstream_maintainer_written_bytes_total",
    help: "Bytes of files that the maintainer has written. More than four times what reducers write: raise MAINTAINER_OPEN_FILES_MIN.",
    registers: [registry],
  }),
  maintainerConflicts: new Counter({
    name: "fruitstream_maintainer_conflicts_total",
    help: "Commits that were given up since others had changed the same files. Frequent ones mean that another tool compacts or deletes too.",
    registers: [registry],
  }),
  maintainerRepeats: new Counter({
    name: "fruitstream_maintainer_repeats_total",
    help: "Rows removed because their photo version had an earlier row. Reducers drop most of them before they are rows: if it rises, raise REDUCER_PHOTO_VERSIONS_MAX.",
    registers: [registry],
  }),
  maintainerVacuumedFiles: new Counter({
    name: "fruitstream_maintainer_vacuumed_files_total",
    help: "Files deleted since no version within delta.deletedFileRetentionDuration needed them. If it stays flat for longer than that, the folder grows: look at /readyz.",
    registers: [registry],
  }),
  basisVersion: new Gauge({
    name: "fruitstream_basis_version",
    help: "Newest PCA basis that this reducer has published, by model and run, of the 16 that were published last. Compare with the table's pca_version.",
    labelNames: ["model", "run"],
    registers: [registry],
  }),
} as const;

/** Each set of labels is a series; whoever may send vectors names models and runs. */
const BASES_MAX = 16;
/** The labels of the bases that were noted last, the newest at the end. */
const notedBases = new Map<string, { model: string; run: string }>();

/** Notes which basis of a model and run is the newest. Of more than 16 of them the longest unchanged is forgotten. */
export function noteBasis(model: string, run: string, version: number): void {
  const key = JSON.stringify([model, run]);
  notedBases.delete(key);
  notedBases.set(key, { model, run });
  metrics.basisVersion.set({ model, run }, version);
  if (notedBases.size <= BASES_MAX) return;
  const [oldest, labels] = notedBases.entries().next().value!;
  notedBases.delete(oldest);
  metrics.basisVersion.remove(labels);
}

/** A metric as an operator reads about it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** The project's own metrics, in their order above; without those of the process and of Node. */
export async function describeMetrics(): Promise<MetricDescription[]> {
  const described = Object.values(metrics).map(async (metric) => {
    const { name, type, help } = await metric.get();
    // prom-client keeps the declared labels, though its types don't say so.
    const { labelNames } = metric as unknown as { readonly labelNames: readonly string[] };
    return { name, type: String(type), labels: labelNames.filter((label) => label !== "le"), help };
  });
  return Promise.all(described);
}
