import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Every metric of the project, in one place. The last sentence of each help text says what an operator does with it. */
export const registry = new Registry();
collectDefaultMetrics({ register: registry });

const STAGE_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

export const metrics = {
  ingestPhotos: new Counter({
    name: "fruitstream_ingest_photos_total",
    help: "Photos announced on the topic, by mouth (http, folder, listing). Compare with featurizer_photos_total.",
    labelNames: ["mouth"],
    registers: [registry],
  }),
  ingestRefused: new Counter({
    name: "fruitstream_ingest_refused_total",
    help: "Uploads refused, by HTTP status. A rise of 4xx means a client to correct, of 5xx S3 or Kafka to mend.",
    labelNames: ["status"],
    registers: [registry],
  }),
  featurizerPhotos: new Counter({
    name: "fruitstream_featurizer_photos_total",
    help: "Photos whose vector was published. Flat while the group has lag: look at featurizer_stage_seconds.",
    registers: [registry],
  }),
  featurizerStageSeconds: new Histogram({
    name: "fruitstream_featurizer_stage_seconds",
    help: "Time of one photo in fetch, decode, infer; of one batch in publish. The slowest stage is what to scale.",
    labelNames: ["stage"],
    buckets: STAGE_SECONDS,
    registers: [registry],
  }),
  featurizerCpuSeconds: new Counter({
    name: "fruitstream_featurizer_cpu_seconds_total",
    help: "CPU time by stage: resize and infer on the inference threads, decode (of small JPEGs) and encode on the main one. The rest of process_cpu_seconds_total is other decoding and the clients: the largest part is what to make cheaper.",
    labelNames: ["stage"],
    registers: [registry],
  }),
  featurizerInFlightBytes: new Gauge({
    name: "fruitstream_featurizer_in_flight_bytes",
    help: "Photo bytes admitted and not yet published. At its bound all the time: the featurizer is saturated.",
    registers: [registry],
  }),
  deadLetters: new Counter({
    name: "fruitstream_dead_letters_total",
    help: "Records set aside, by reason. Any steady rise asks for a look at the topic's newest records.",
    labelNames: ["reason"],
    registers: [registry],
  }),
  retries: new Counter({
    name: "fruitstream_retries_total",
    help: "Failed steps that will be tried again, by step. A rise means that S3 or Kafka is unwell.",
    labelNames: ["step"],
    registers: [registry],
  }),
  reducerRows: new Counter({
    name: "fruitstream_reducer_rows_total",
    help: "Rows committed to the table. Flat while the group has lag: look at reducer_commit_seconds.",
    registers: [registry],
  }),
  reducerRepeats: new Counter({
    name: "fruitstream_reducer_repeats_total",
    help: "Vectors dropped because their source position was in the table. Rises after a featurizer's crash only.",
    registers: [registry],
  }),
  reducerCommits: new Counter({
    name: "fruitstream_reducer_commits_total",
    help: "Table commits, by outcome (committed, fenced). Fenced means that another reducer had taken the partition.",
    labelNames: ["outcome"],
    registers: [registry],
  }),
  reducerCommitSeconds: new Histogram({
    name: "fruitstream_reducer_commit_seconds",
    help: "Time from closing a window to its table commit. Above the flush interval: add a reducer.",
    buckets: STAGE_SECONDS,
    registers: [registry],
  }),
  tableVersion: new Gauge({
    name: "fruitstream_table_version",
    help: "Newest table version this reducer has seen. Differs between reducers for long: one of them is stuck.",
    registers: [registry],
  }),
  basisVersion: new Gauge({
    name: "fruitstream_basis_version",
    help: "Newest PCA basis this reducer projects onto, by model and run. Compare with the table's pca_version.",
    labelNames: ["model", "run"],
    registers: [registry],
  }),
} as const;
