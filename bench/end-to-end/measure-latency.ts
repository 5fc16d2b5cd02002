import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { recordCountOf } from "#lib/table/delta/column-statistics.ts";
import { readRows } from "#lib/table/table-files.ts";
import { quantile } from "../measure/statistics.ts";
import type { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import type { BenchService } from "../pipeline/bench-service.ts";

export interface Latency {
  readonly photosPerSecond: number;
  /** From the moment at which a photo was due to be announced to the acknowledgement of its row's commit. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the end of a window to the acknowledgement of its commit. */
  readonly commitP50Ms: number;
  readonly commitP99Ms: number;
}

export interface Arrivals {
  readonly photos: readonly StoredPhoto[];
  readonly photosPerSecond: number;
  readonly count: number;
}

/** Photos that fall due within one step are announced together. */
const STEP_MS = 20;
const LOOK_MS = 200;

/**
 * Lets photos arrive evenly at a rate, whether the pipeline keeps up or not, and tells when each came into the table. A
 * photo's clock starts when it is due and not when it is sent, so that a pipeline that slows its source down does not
 * look fast for it. Rows of other runs are left out.
 *
 * @param pipeline whose services are at work, warm, and have no live photos left to do.
 * @param reducer the only one at work on the table.
 * @throws stack-unavailable as `BenchPipeline.untilCounted`, and when there are more rows than photos.
 */
export async function measureLatency(
  pipeline: BenchPipeline,
  reducer: BenchService,
  arrivals: Arrivals,
): Promise<Latency> {
  await pipeline.table.advance();
  const [files] = await Promise.all([liveFilesUntil(pipeline, arrivals.count), sendEvenly(pipeline, arrivals)]);
  const commits = await pipeline.commitsTo(files.at(-1)!.version, reducer);
  const ackedAtMs = new Map(commits.map(({ version, atMs }) => [version, atMs]));
  const latenciesMs: number[] = [];
  for (const { version, file } of files) {
    for (const { ingested_at: dueAt } of await readRows(pipeline.table, file, ["ingested_at"])) {
      latenciesMs.push(ackedAtMs.get(version)! - Number(dueAt));
    }
  }
  const versions = new Set(files.map(({ version }) => version));
  const commitMs = commits.filter(({ version }) => versions.has(version)).map(({ tookMs }) => tookMs);
  return {
    photosPerSecond: arrivals.photosPerSecond,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    commitP50Ms: quantile(commitMs, 0.5),
    commitP99Ms: quantile(commitMs, 0.99),
  };
}

async function sendEvenly(pipeline: BenchPipeline, { photos, photosPerSecond, count }: Arrivals): Promise<void> {
  const startedAtMs = systemClock.nowMs();
  for (let sent = 0; sent < count; ) {
    const elapsedMs = systemClock.nowMs() - startedAtMs;
    const due: PhotoArrived[] = [];
    for (; sent < count && sent <= (elapsedMs / 1_000) * photosPerSecond; sent++) {
      const ingestedAtMs = startedAtMs + Math.round((1_000 * sent) / photosPerSecond);
      due.push({ ...photos[sent % photos.length]!, ingestedAtMs });
    }
    await pipeline.announce(due);
    await pipeline.pause(STEP_MS);
  }
}

/** The files of live photos that are committed from now on, with their versions, until they hold so many rows. */
async function liveFilesUntil(pipeline: BenchPipeline, rows: number): Promise<{ version: number; file: AddFile }[]> {
  const files: { version: number; file: AddFile }[] = [];
  let seen = 0;
  const look = async () => {
    for (const { version, adds } of await pipeline.table.advance()) {
      const live = adds.filter(({ partitionValues }) => partitionValues.run === LIVE_RUN);
      files.push(...live.map((file) => ({ version, file })));
      seen += live.reduce((sum, file) => sum + (recordCountOf(file) ?? 0), 0);
    }
    return seen;
  };
  await pipeline.untilCounted("rows of live photos", rows, look, LOOK_MS);
  if (seen === rows) return files;
  throw new FruitstreamError("stack-unavailable", `${pipeline.id}: ${seen} rows of ${rows} live photos`);
}
