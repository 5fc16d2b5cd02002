import type { PhotoArrived } from "../../lib/contract/messages.ts";
import { LIVE_RUN } from "../../lib/contract/messages.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import type { AddFile } from "../../lib/table/actions.ts";
import { recordCountOf } from "../../lib/table/column-statistics.ts";
import { readRows } from "../../lib/table/table-files.ts";
import type { StoredPhoto } from "../../services/ingest/announce-photo.ts";
import { quantile } from "../measure/statistics.ts";
import type { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import type { BenchService } from "../pipeline/bench-service.ts";

export interface Latency {
  readonly photosPerSecond: number;
  /** From the moment at which a photo was due to be announced to the acknowledgement of its row's commit. */
  readonly p50Ms: number;
  readonly p99Ms: number;
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
 */
export async function measureLatency(
  pipeline: BenchPipeline,
  reducer: BenchService,
  arrivals: Arrivals,
): Promise<Latency> {
  await pipeline.table.advance();
  const sending = sendEvenly(pipeline, arrivals);
  const files = await liveFilesUntil(pipeline, arrivals.count);
  await sending;
  const ackedAtMs = new Map((await reducer.commits()).map(({ version, atMs }) => [version, atMs]));
  const latenciesMs: number[] = [];
  for (const { version, file } of files) {
    for (const { ingested_at: dueAt } of await readRows(pipeline.table, file, ["ingested_at"])) {
      latenciesMs.push(ackedAtMs.get(version)! - Number(dueAt));
    }
  }
  return {
    photosPerSecond: arrivals.photosPerSecond,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
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
    await systemClock.sleep(STEP_MS);
  }
}

/** The files of live photos that are committed from now on, with their versions, until they hold so many rows. */
async function liveFilesUntil(pipeline: BenchPipeline, rows: number): Promise<{ version: number; file: AddFile }[]> {
  const files: { version: number; file: AddFile }[] = [];
  let seen = 0;
  while (seen < rows) {
    await pipeline.pause(LOOK_MS);
    for (const { version, adds } of await pipeline.table.advance()) {
      const live = adds.filter(({ partitionValues }) => partitionValues.run === LIVE_RUN);
      files.push(...live.map((file) => ({ version, file })));
      seen += live.reduce((sum, file) => sum + (recordCountOf(file) ?? 0), 0);
    }
  }
  return files;
}
