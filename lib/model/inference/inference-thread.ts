import "../no-telemetry.ts";
import { Worker } from "node:worker_threads";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { PhotoOutcome } from "./photo-model.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker-messages.ts";

/**
 * A thread's garbage is small and short-lived: its pixels and vectors are outside of V8's heap. Left alone, V8 grows the
 * young generation of each thread by some 40 MB over the first thousands of photos.
 */
const YOUNG_GENERATION_MB = 12;

/** A worker thread seen from outside: one request at a time, and a thread that dies rejects the one it had. */
export class InferenceThread {
  /** Resolves when the thread has ended, with why every later batch is refused. */
  readonly ended: Promise<FruitstreamError>;
  readonly #worker: Worker;
  #pending: PromiseWithResolvers<WorkerReply> | undefined;
  #failure: FruitstreamError | undefined;

  /**
   * Starts a thread and resolves with it and its model's dimension once the model is warm.
   *
   * @throws invalid-model, or inference-failed when the thread dies while it starts.
   */
  static async start(setup: WorkerSetup): Promise<{ thread: InferenceThread; featureDimension: number }> {
    const thread = new InferenceThread(setup);
    try {
      const reply = await thread.#reply();
      if (reply.kind !== "ready") throw unexpected(reply);
      return { thread, featureDimension: reply.featureDimension };
    } catch (error) {
      await thread.#worker.terminate();
      throw error;
    }
  }

  private constructor(setup: WorkerSetup) {
    this.#worker = new Worker(new URL("./inference-worker.ts", import.meta.url), {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    const { promise: ended, resolve: end } = Promise.withResolvers<FruitstreamError>();
    this.ended = ended;
    this.#worker.on("message", (reply: WorkerReply) => this.#pending?.resolve(reply));
    this.#worker.on("error", (cause) => this.#fail(`an inference thread crashed: ${String(cause)}`, cause));
    this.#worker.on("exit", (code) => end(this.#fail(`an inference thread has ended with code ${code}`)));
  }

  /**
   * Computes one batch; not before the last one is settled. The photos' buffers move to the thread and are empty here
   * afterwards.
   *
   * @throws inference-failed when the thread dies or the batch can't be computed.
   */
  async run(photos: readonly DecodedPhoto[]): Promise<readonly PhotoOutcome[]> {
    const buffers = photos.map(({ pixels }) => pixels.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
    const reply = await this.#reply(() => this.#post({ kind: "batch", photos }, buffers));
    if (reply.kind !== "outcomes") throw unexpected(reply);
    metrics.featurizerCpuSeconds.inc({ stage: "resize" }, reply.cpu.resizeSeconds);
    metrics.featurizerCpuSeconds.inc({ stage: "infer" }, reply.cpu.inferSeconds);
    return reply.outcomes;
  }

  /** Frees the model and ends the thread, also one that has died before. The last batch must be settled. */
  async close(): Promise<void> {
    this.#post({ kind: "close" });
    await this.ended;
  }

  #post(request: WorkerRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  async #reply(ask: () => void = () => {}): Promise<WorkerReply> {
    if (this.#failure) throw this.#failure;
    this.#pending = Promise.withResolvers<WorkerReply>();
    try {
      ask();
      return await this.#pending.promise;
    } finally {
      this.#pending = undefined;
    }
  }

  /** The first reason stands: an exit follows every crash and would hide it. */
  #fail(message: string, cause?: unknown): FruitstreamError {
    this.#failure ??= new FruitstreamError("inference-failed", `${message}; start the service again`, { cause });
    this.#pending?.reject(this.#failure);
    return this.#failure;
  }
}

function unexpected(reply: WorkerReply): FruitstreamError {
  if (reply.kind === "failed") return new FruitstreamError(reply.code, reply.message);
  return new FruitstreamError("inference-failed", `an inference thread answered out of turn with "${reply.kind}"`);
}
