import { featurizerConfig } from "../../services/featurizer/config.ts";
import type { StoredPhoto } from "../../services/ingest/announce-photo.ts";
import type { BenchContext } from "../bench.ts";
import { cpuBetween, readUse } from "../measure/process-meter.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import type { BenchService } from "../pipeline/bench-service.ts";
import type { CommitLine } from "../pipeline/commit-lines.ts";
import { announcements } from "../pipeline/photo-sample.ts";

export interface ThroughputOptions {
  readonly name: string;
  /** On S3; announced again and again until there are enough. */
  readonly photos: readonly StoredPhoto[];
  /** How many are announced before any service is started. */
  readonly count: number;
  /** Vectors before the steady state: by then every thread has its code compiled and its memory grown. */
  readonly warmUpPhotos: number;
  readonly partitions?: number;
  readonly featurizers?: number;
  readonly featurizerEnv?: Readonly<Record<string, string>>;
  /** Looks at the featurizers when the steady state begins, and when the last photos have been admitted. */
  readonly observe?: (featurizers: readonly BenchService[]) => Promise<void>;
}

export interface Throughput {
  /** All photos, from the start of the services' processes to the last table commit. */
  readonly photosPerSecondFromStart: number;
  /** From the look at which the warm-up's vectors are published to the last commit; counts the vectors since. */
  readonly photosPerSecondSteady: number;
  /** In the steady state, by process. */
  readonly cpuMsPerPhoto: Readonly<Record<string, number>>;
  /** Photos of the steady state. */
  readonly steadyPhotos: number;
  readonly rssPeakMiB: Readonly<Record<string, number>>;
  readonly commits: readonly CommitLine[];
}

const PARTITIONS = 4;
const IN_FLIGHT_PHOTOS = featurizerConfig.FEATURIZER_IN_FLIGHT_PHOTOS_MAX.parse(undefined);
export const MIB = 1_048_576;

/**
 * Photos' keys lie on the topic, then the services start and work until the last photo is in the table. Everything runs
 * on this machine: broker, S3 server, featurizers, reducer, and the bench, which looks at offsets ten times a second.
 */
export async function measureThroughput(context: BenchContext, options: ThroughputOptions): Promise<Throughput> {
  const { name, photos, count, warmUpPhotos, partitions = PARTITIONS, featurizers: processes = 1 } = options;
  const pipeline = await BenchPipeline.open(context, { name, partitions });
  try {
    await pipeline.announce(announcements(photos, count));
    const startedAtMs = Date.now();
    const reducer = await pipeline.start("reducer");
    const featurizers = await Promise.all(
      Array.from({ length: processes }, () => pipeline.start("featurizer", options.featurizerEnv)),
    );

    const warm = await pipeline.untilPublished(warmUpPhotos);
    const useBefore = await readUse(pipeline.pids);
    await options.observe?.(featurizers);
    if (options.observe) {
      // As many photos are under way as at the first look; later the pipeline runs empty.
      await pipeline.untilPublished(count - IN_FLIGHT_PHOTOS);
      await options.observe(featurizers);
    }
    await pipeline.untilPublished(count);
    await pipeline.flush();
    const useAfter = await readUse(pipeline.pids);

    const commits = await reducer.commits();
    const lastCommitAtMs = commits.findLast(({ rows }) => rows > 0)!.atMs;
    const steadyPhotos = count - warm.count;
    const cpu = Object.entries(cpuBetween(useBefore, useAfter));
    const rss = Object.entries(useAfter);
    return {
      photosPerSecondFromStart: (1_000 * count) / (lastCommitAtMs - startedAtMs),
      photosPerSecondSteady: (1_000 * steadyPhotos) / (lastCommitAtMs - warm.atMs),
      steadyPhotos,
      cpuMsPerPhoto: Object.fromEntries(cpu.map(([role, seconds]) => [role, (1_000 * seconds) / steadyPhotos])),
      rssPeakMiB: Object.fromEntries(rss.map(([role, { rssPeakBytes }]) => [role, rssPeakBytes / MIB])),
      commits,
    };
  } finally {
    await pipeline.close();
  }
}
