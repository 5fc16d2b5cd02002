import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ModelFolder } from "../model-folder.ts";
import { Batcher, type BatchLimits } from "./batcher.ts";
import { InferenceThread } from "./inference-thread.ts";
import type { PhotoOutcome, PhotoVector } from "./photo-model.ts";

export interface InferencePoolOptions extends BatchLimits {
  readonly model: ModelFolder;
  /**
   * Threads, each with a single-threaded session of its own; the number of cores is best. ONNX Runtime blocks the
   * thread it computes on, so none of this runs on the event loop, and two sessions of one thread are faster than one
   * session of two.
   */
  readonly workers: number;
}

/**
 * Turns decoded photos into vectors, in dynamic batches, on worker threads. Photos are taken in the order of `infer`
 * and may finish in another. The queue is bounded by the caller: as many photos as it has calls open.
 */
export class InferencePool {
  /** Length of every feature vector. */
  readonly featureDimension: number;
  readonly #threads: readonly InferenceThread[];
  readonly #idle: InferenceThread[];
  readonly #batcher: Batcher<Job>;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #refusal: FruitstreamError | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Resolves when every thread has its model warm.
   *
   * @throws invalid-model; inference-failed when a thread can't be started.
   */
  static async open(options: InferencePoolOptions): Promise<InferencePool> {
    const { model, workers, batchPhotosMax } = options;
    const setup = { model, batchPhotosMax };
    const starts = await Promise.allSettled(Array.from({ length: workers }, () => InferenceThread.start(setup)));
    const started = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed) {
      await Promise.all(started.map(({ thread }) => thread.close()));
      throw failed.reason;
    }
    return new InferencePool(
      started.map(({ thread }) => thread),
      started[0]!.featureDimension,
      options,
    );
  }

  private constructor(threads: readonly InferenceThread[], featureDimension: number, limits: BatchLimits) {
    this.#threads = threads;
    this.#idle = [...threads];
    this.#batcher = new Batcher(limits);
    this.featureDimension = featureDimension;
    for (const thread of threads) void thread.ended.then((error) => this.#fail(error, []));
  }

  /**
   * Computes one photo's vector. The buffer of `photo.pixels` moves to a worker and is empty here afterwards, unless it
   * is a SharedArrayBuffer.
   *
   * @throws invalid-features when the vector has a NaN or an infinity; inference-failed when a thread has died, for this
   * and every later photo, and after `close`; the signal's reason, when it aborts before the vector is there.
   */
  async infer(photo: DecodedPhoto, signal?: AbortSignal): Promise<PhotoVector> {
    signal?.throwIfAborted();
    if (this.#refusal) throw this.#refusal;
    const { promise, resolve, reject } = Promise.withResolvers<PhotoVector>();
    const job: Job = { photo, resolve, reject };
    const abort = () => {
      this.#batcher.remove(job);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#batcher.add(job, performance.now());
    this.#dispatch();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Finishes the photos that were handed in, refuses later ones and ends the threads. Idempotent, never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#refusal ??= new FruitstreamError("inference-failed", "the inference pool is closed; open another one");
    this.#dispatch();
    while (this.#running.size > 0) await Promise.all(this.#running);
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** Gives every idle thread a batch that is due, or sets the alarm for when one will be. */
  #dispatch(): void {
    clearTimeout(this.#timer);
    while (this.#idle.length > 0) {
      const next = this.#batcher.next(this.#refusal ? Infinity : performance.now());
      if (next.kind === "empty") return;
      if (next.kind === "wait") {
        this.#timer = setTimeout(() => this.#dispatch(), Math.ceil(next.waitMs));
        return;
      }
      const batch = this.#compute(this.#idle.shift()!, next.items).finally(() => this.#running.delete(batch));
      this.#running.add(batch);
    }
  }

  async #compute(thread: InferenceThread, jobs: readonly Job[]): Promise<void> {
    try {
      const outcomes = await thread.run(jobs.map(({ photo }) => photo));
      this.#idle.push(thread);
      this.#dispatch();
      for (const [index, job] of jobs.entries()) settle(job, outcomes[index]!);
    } catch (error) {
      this.#fail(error, jobs);
    }
  }

  /** One thread's failure is the pool's: going on with fewer threads would hide it until the last one dies. */
  #fail(cause: unknown, jobs: readonly Job[]): void {
    const error = cause instanceof FruitstreamError ? cause : failure(cause);
    this.#refusal ??= error;
    for (const job of [...jobs, ...this.#batcher.drain()]) job.reject(error);
  }
}

interface Job {
  readonly photo: DecodedPhoto;
  resolve(vector: PhotoVector): void;
  reject(error: unknown): void;
}

function settle(job: Job, outcome: PhotoOutcome): void {
  if ("vector" in outcome) job.resolve(outcome.vector);
  else job.reject(new FruitstreamError("invalid-features", outcome.invalidFeatures));
}

function failure(cause: unknown): FruitstreamError {
  return new FruitstreamError("inference-failed", `a batch could not be computed: ${String(cause)}`, { cause });
}
