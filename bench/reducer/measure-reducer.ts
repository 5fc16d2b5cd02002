import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { flushMarker } from "#lib/messages/flush-marker.ts";
import { LIVE_RUN, type PhotoFeatures } from "#lib/messages/messages.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { momentsOfRows } from "#lib/pca/moments.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { encodeRows } from "#lib/table/parquet-file.ts";
import { rowOf } from "#services/reducer/vector-row.ts";
import { cpuBetween, readUse } from "../measure/process-meter.ts";
import type { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { BUCKET } from "../pipeline/bench-stack.ts";

export interface ReducerFigure {
  readonly rowsPerSecond: number;
  /** By the CPU time of the reducer's process: what one core would do that is never kept waiting. */
  readonly rowsPerCpuSecond: number;
  readonly rssPeakMiB: number;
}

export interface LimitFigure {
  readonly parquetRowsPerSecond: number;
  readonly momentsRowsPerSecond: number;
  /** Both in turn on one core, and nothing else. */
  readonly rowsPerSecond: number;
}

const APPEND_RECORDS = 500;
const LOOK_MS = 50;
const WINDOW_ROWS = 4_096;

/**
 * Vectors on a topic of one partition, with a marker at the end that has the last window committed at once; and as many
 * records for them to come from, since a reducer takes no vector whose photo was never announced.
 */
export async function fillFeatures(pipeline: BenchPipeline, values: Float32Array, dimensions: number): Promise<void> {
  const { producer } = pipeline.stack;
  const { photos, features } = pipeline.topics;
  const count = values.length / dimensions;
  for (let first = 0; first < count; first += APPEND_RECORDS) {
    const records = Array.from({ length: Math.min(APPEND_RECORDS, count - first) }, (_, index) => {
      const message = messageOf(first + index, values, dimensions, photos);
      return { partition: 0, key: Buffer.from(message.key), value: photoFeaturesCodec.encode(message) };
    });
    const sources = records.map(({ partition, key }) => ({ partition, key, value: new Uint8Array() }));
    await producer.append(photos, sources);
    await producer.append(features, records);
  }
  await producer.append(features, [flushMarker(0)]);
}

/**
 * A new reducer over the same vectors into a new table; timed from its assignment to its last commit.
 *
 * @throws stack-unavailable as `BenchPipeline.untilCounted`, and when it commits more rows than there are vectors.
 */
export async function measureReducer(
  pipeline: BenchPipeline,
  count: number,
  round: number,
  env: Readonly<Record<string, string>> = {},
): Promise<ReducerFigure> {
  const reducer = await pipeline.start("reducer", {
    ...env,
    TABLE_URI: `s3://${BUCKET}/tables/${pipeline.id}.${round}`,
    REDUCER_GROUP: `${pipeline.id}.reducers.${round}`,
  });
  await reducer.untilReady();
  const readyAtMs = Date.now();
  const pids = { reducer: [reducer.pid] };
  const useBefore = await readUse(pids);
  const committedRows = async () => reducer.commits.reduce((sum, { rows }) => sum + rows, 0);
  const { count: rows } = await pipeline.untilCounted("rows", count, committedRows, LOOK_MS);
  if (rows > count) {
    throw new FruitstreamError("stack-unavailable", `${pipeline.id}: ${rows} rows of ${count} vectors`);
  }
  const useAfter = await readUse(pids);
  await pipeline.stop(reducer);
  const seconds = (reducer.commits.at(-1)!.atMs - readyAtMs) / 1_000;
  return {
    rowsPerSecond: count / seconds,
    rowsPerCpuSecond: count / cpuBetween(useBefore, useAfter).reducer!,
    rssPeakMiB: useAfter.reducer!.rssPeakBytes / 2 ** 20,
  };
}

/** The two things that a reducer can't do without, on this thread: encoding Parquet and the moments. */
export async function measureReducerLimit(values: Float32Array, dimensions: number): Promise<LimitFigure> {
  const count = Math.min(WINDOW_ROWS, values.length / dimensions);
  const window = values.subarray(0, count * dimensions);
  const rows = Array.from({ length: count }, (_, index) => rowOf(messageOf(index, values, dimensions, "photos")));
  const kernel = await openMatrixKernel(1);
  try {
    await momentsOfRows(window, dimensions, kernel);
    const parquetSeconds = await secondsOf(async () => encodeRows(rows));
    const momentsSeconds = await secondsOf(() => momentsOfRows(window, dimensions, kernel));
    return {
      parquetRowsPerSecond: count / parquetSeconds,
      momentsRowsPerSecond: count / momentsSeconds,
      rowsPerSecond: count / (parquetSeconds + momentsSeconds),
    };
  } finally {
    await kernel.release();
  }
}

function messageOf(index: number, values: Float32Array, dimensions: number, sourceTopic: string): PhotoFeatures {
  const atMs = Date.UTC(2026, 0, 1, 12);
  return {
    run: LIVE_RUN,
    sourceTopic,
    sourcePartition: 0,
    sourceOffset: index,
    model: `synthetic_${dimensions}-000000000000`,
    bucket: BUCKET,
    key: `photos/${String(index).padStart(8, "0")}.jpg`,
    etag: "0123456789abcdef0123456789abcdef",
    label: `label-${index % 16}`,
    widthPx: 100,
    heightPx: 100,
    capturedAtMs: atMs,
    capturedAtSource: "object",
    ingestedAtMs: atMs,
    featurizedAtMs: atMs,
    features: values.slice(index * dimensions, (index + 1) * dimensions),
    predictions: null,
    traceparent: null,
  };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return (performance.now() - startedAtMs) / 1_000;
}
