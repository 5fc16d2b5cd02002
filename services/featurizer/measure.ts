import { metrics } from "#lib/runtime/metrics.ts";

type Stage = "fetch" | "decode" | "infer" | "encode" | "publish";

/** Observes how long a stage takes. */
export async function timed<Result>(stage: Stage, work: () => Promise<Result>): Promise<Result> {
  const stop = metrics.featurizerStageSeconds.startTimer({ stage });
  try {
    return await work();
  } finally {
    stop();
  }
}

/** Counts what the event loop computes before the work is done or first waits; what other threads do is not in it. */
export function countCpu<Result>(stage: Stage, work: () => Result): Result {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  metrics.featurizerCpuSeconds.inc({ stage }, (user + system) / 1e6);
  return result;
}
