import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ModelFolder } from "#lib/model/model-folder.ts";
import type { RawRequest, RawResult, RawSetup } from "./raw-messages.ts";

/** How cores are used. */
export interface RawLayout {
  readonly sessions: number;
  readonly threadsPerSession: number;
  readonly batchPhotos: number;
}

export interface RawOptions extends RawLayout {
  readonly durationMs: number;
}

export interface RawFigure {
  readonly photosPerSecond: number;
  /** CPU of all threads, in ms. */
  readonly cpuMsPerPhoto: number;
}

/**
 * How fast the network alone is: sessions of ONNX Runtime on threads of this process, each on one batch that is there
 * already. Nothing is fetched, decoded, resized or sent. Model loading and the first run are not timed.
 */
export async function measureRaw(model: ModelFolder, options: RawOptions): Promise<RawFigure> {
  const workers = Array.from({ length: options.sessions }, () => startWorker(model, options));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const cpuBefore = process.cpuUsage();
  const results = await Promise.all(workers.map((worker) => run(worker, options.durationMs)));
  const { user, system } = process.cpuUsage(cpuBefore);
  await Promise.all(
    workers.map((worker) => {
      worker.postMessage({ durationMs: 0 } satisfies RawRequest);
      return once(worker, "exit");
    }),
  );
  const photos = results.reduce((sum, result) => sum + result.photos, 0);
  const photosPerSecond = results.reduce((sum, result) => sum + result.photos / result.seconds, 0);
  return { photosPerSecond, cpuMsPerPhoto: (user + system) / 1_000 / photos };
}

function startWorker(model: ModelFolder, { batchPhotos, threadsPerSession }: RawOptions): Worker {
  const workerData: RawSetup = { model, batchPhotos, threads: threadsPerSession };
  return new Worker(new URL("./raw-worker.ts", import.meta.url), { workerData });
}

async function run(worker: Worker, durationMs: number): Promise<RawResult> {
  const answered = once(worker, "message");
  worker.postMessage({ durationMs } satisfies RawRequest);
  const [result] = await answered;
  return result;
}
