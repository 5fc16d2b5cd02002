export interface BatchLimits {
  /** Most items in a batch. */
  readonly batchPhotosMax: number;
  /** How long the oldest item may wait for the batch to fill, in milliseconds. 0 never waits. */
  readonly batchWaitMsMax: number;
}

/** What an idle worker is to do: compute a batch, ask again after a while, or, with nothing queued, wait for more. */
export type NextBatch<T> =
  | { readonly kind: "batch"; readonly items: readonly T[] }
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: "empty" };

/**
 * The batching policy: items in the order of their arrival, a batch as soon as it is full or its oldest item has waited
 * long enough. Knows neither workers nor clocks, times are handed in. Bounded by whoever adds.
 */
export class Batcher<T> {
  readonly #limits: BatchLimits;
  #queue: { item: T; addedAtMs: number }[] = [];

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#queue.length;
  }

  add(item: T, nowMs: number): void {
    this.#queue.push({ item, addedAtMs: nowMs });
  }

  /** Takes back an item that no batch has taken yet. */
  remove(item: T): void {
    this.#queue = this.#queue.filter((queued) => queued.item !== item);
  }

  /** Takes the batch that is due, if one is. Call it when a worker is idle and an item was added or a wait is over. */
  next(nowMs: number): NextBatch<T> {
    const oldest = this.#queue[0];
    if (oldest === undefined) return { kind: "empty" };
    const { batchPhotosMax, batchWaitMsMax } = this.#limits;
    const waitMs = oldest.addedAtMs + batchWaitMsMax - nowMs;
    if (this.#queue.length < batchPhotosMax && waitMs > 0) return { kind: "wait", waitMs };
    return { kind: "batch", items: this.#queue.splice(0, batchPhotosMax).map(({ item }) => item) };
  }

  /** Takes everything, when no worker will. */
  drain(): readonly T[] {
    return this.#queue.splice(0).map(({ item }) => item);
  }
}
