import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { defaultOf } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";
import type { BenchContext } from "../bench.ts";
import { cpuBetween, readUse } from "../measure/process-meter.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import type { BenchService } from "../pipeline/bench-service.ts";
import { announcements } from "../pipeline/photo-sample.ts";

export interface ThroughputOptions {
  readonly name: string;
  /** On S3; announced again and again until there are enough. */
  readonly photos: readonly StoredPhoto[];
  /** How many are announced before any service is started. */
  readonly count: number;
  /** Vectors before the steady state, once every featurizer is at work, and committed: by then all code is compiled. */
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
  /** From the commit of the warm-up's vectors to the last commit; counts the photos done since. */
  readonly photosPerSecondSteady: number;
  /** In the steady state, by process. */
  readonly cpuMsPerPhoto: Readonly<Record<string, number>>;
  /** Rows of photos whose vectors were computed in the steady state. */
  readonly steadyPhotos: number;
  readonly rssPeakMiB: Readonly<Record<string, number>>;
}

const PARTITIONS = 4;
const IN_FLIGHT_PHOTOS = defaultOf(featurizerConfig.inFlightPhotosMax);
export const MIB = 1_048_576;

/**
 * Photos' keys lie on the topic, then the services start and work until the table has a row of each. Everything runs on
 * this machine: broker, S3 server, featurizers, reducer, and the bench, which looks at offsets four times a second. Photos
 * are counted as rows: several featurizers share the partitions out anew at the start, and do some photos again.
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

    await Promise.all(featurizers.map((featurizer) => featurizer.untilReady()));
    const publishedBefore = await pipeline.published();
    await pipeline.untilPublished(Math.min(publishedBefore + warmUpPhotos, count));
    await pipeline.flush();
    const steadySinceMs = Date.now();
    const useBefore = await readUse(pipeline.pids);
    await options.observe?.(featurizers);
    if (options.observe) {
      // As many photos are under way as at the first look; later the pipeline runs empty.
      await pipeline.untilPublished(count - IN_FLIGHT_PHOTOS);
      await options.observe(featurizers);
    }
    await pipeline.untilInTable(count);
    const useAfter = await readUse(pipeline.pids);

    const commits = await pipeline.commitsTo(pipeline.table.snapshot.version, reducer);
    const lastCommitAtMs = commits.findLast(({ rows }) => rows > 0)!.atMs;
    const steadyPhotos = await rowsSince(pipeline.table, steadySinceMs);
    if (steadyPhotos === 0) {
      const problem = `${pipeline.id}: all of ${count} photos were done before the steady state began`;
      throw new FruitstreamError("usage", `${problem}; announce more`);
    }
    const cpu = Object.entries(cpuBetween(useBefore, useAfter));
    const rss = Object.entries(useAfter);
    return {
      photosPerSecondFromStart: (1_000 * count) / (lastCommitAtMs - startedAtMs),
      photosPerSecondSteady: (1_000 * steadyPhotos) / (lastCommitAtMs - steadySinceMs),
      steadyPhotos,
      cpuMsPerPhoto: Object.fromEntries(cpu.map(([role, seconds]) => [role, (1_000 * seconds) / steadyPhotos])),
      rssPeakMiB: Object.fromEntries(rss.map(([role, { rssPeakBytes }]) => [role, rssPeakBytes / MIB])),
    };
  } finally {
    await pipeline.close();
  }
}

/** Of each photo's one row, those with a vector that was computed at this moment (ms since the epoch) or later. */
async function rowsSince(table: DeltaTable, sinceMs: number): Promise<number> {
  let count = 0;
  for (const file of table.snapshot.files.values()) {
    const rows = await readRows(table, file, ["featurized_at"]);
    count += rows.filter(({ featurized_at: atMs }) => Number(atMs) >= sinceMs).length;
  }
  return count;
}
