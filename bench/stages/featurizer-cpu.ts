import { readThreadCpu } from "../measure/process-meter.ts";
import type { BenchService } from "../pipeline/bench-service.ts";

/** CPU seconds of a featurizer since its start, taken apart; or, of two readings, between them. */
export interface FeaturizerCpu {
  readonly photos: number;
  /** On the inference threads, as the service itself tells. */
  readonly resize: number;
  readonly infer: number;
  /** The rest of these threads: messages, predictions, garbage. */
  readonly inferenceRest: number;
  /** On the event loop, as the service itself tells, and in the threads of libuv and libvips. */
  readonly decode: number;
  readonly encode: number;
  /** The rest of the event loop: S3 and Kafka clients, order, offsets. */
  readonly clients: number;
  /** V8's own threads: garbage collection and compilation. */
  readonly engine: number;
}

/** What a featurizer has used until now, from its own metrics and from what the system says of its threads. */
export async function readFeaturizerCpu(featurizer: BenchService): Promise<FeaturizerCpu> {
  const [metrics, threads] = await Promise.all([featurizer.metrics(), readThreadCpu(featurizer.pid)]);
  const stage = (name: string) => metrics.sum("fruitstream_featurizer_cpu_seconds_total", { stage: name });
  const main = threads.get("main") ?? 0;
  const engine = ENGINE_THREADS.reduce((sum, name) => sum + (threads.get(name) ?? 0), 0);
  const inference = threads.get(INFERENCE_THREAD) ?? 0;
  const all = [...threads.values()].reduce((sum, seconds) => sum + seconds, 0);
  return {
    photos: metrics.sum("fruitstream_featurizer_photos_total"),
    resize: stage("resize"),
    infer: stage("infer"),
    inferenceRest: inference - stage("resize") - stage("infer"),
    decode: stage("decode") + all - main - inference - engine,
    encode: stage("encode"),
    clients: main - stage("decode") - stage("encode"),
    engine,
  };
}

/** By field, in ms per photo. */
export function cpuMsPerPhoto(before: FeaturizerCpu, after: FeaturizerCpu): Record<keyof FeaturizerCpu, number> {
  const fields = Object.keys(after) as (keyof FeaturizerCpu)[];
  const photos = after.photos - before.photos;
  return Object.fromEntries(
    fields.map((field) => [field, (1_000 * (after[field] - before[field])) / photos]),
  ) as Record<keyof FeaturizerCpu, number>;
}

/** Node's name for worker threads. */
const INFERENCE_THREAD = "WorkerThread";
/** As Node names V8's helpers and its own; what has another name decodes. */
const ENGINE_THREADS = ["V8Worker", "DelayedTaskSche", "SignalInspector"];
