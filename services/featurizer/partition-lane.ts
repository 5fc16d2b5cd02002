import assert from "node:assert";

/**
 * Keeps one source partition's photos in order: they are worked on at the same time and finish in any order, and are
 * published in the order of their offsets, a run of finished ones at a time.
 *
 * Guarantee: when an outcome is handed to `publish`, every earlier outcome of the lane has been published before, or is
 * in the same call before it. `nextOffset` grows only after `publish` has resolved.
 */
export class PartitionLane<Outcome> {
  readonly #publish: (outcomes: readonly Outcome[], signal: AbortSignal) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #publishRecordsMax: number;
  readonly #abandon = new AbortController();
  readonly #entries: Entry<Outcome>[] = [];
  #publishing: Promise<void> | undefined;
  #nextOffset: number | undefined;
  #submittedOffset: number | undefined;

  constructor(options: {
    publish: (outcomes: readonly Outcome[], signal: AbortSignal) => Promise<void>;
    /** Told once of the first error of a photo's work or of publishing; the lane then stands still. */
    onFailure: (error: unknown) => void;
    /** Most outcomes in one call of `publish`. */
    publishRecordsMax: number;
  }) {
    this.#publish = options.publish;
    this.#onFailure = options.onFailure;
    this.#publishRecordsMax = options.publishRecordsMax;
  }

  /** Aborts when the lane is abandoned. */
  get signal(): AbortSignal {
    return this.#abandon.signal;
  }

  /** The offset to commit: everything below it is published. Undefined before the first publication. */
  get nextOffset(): number | undefined {
    return this.#nextOffset;
  }

  /** The offset after the last one submitted. */
  get submittedOffset(): number | undefined {
    return this.#submittedOffset;
  }

  /** Adds the next offset's work. Offsets ascend. */
  submit(offset: number, work: Promise<Outcome>): void {
    // Were one published after a larger one, the reducer would take it for a repeat, and lose it.
    assert(offset >= (this.#submittedOffset ?? 0), `offset ${offset} came after ${this.#submittedOffset}`);
    this.#submittedOffset = offset + 1;
    const entry: Entry<Outcome> = { offset, outcome: undefined, settled: work.then(settle, settle) };
    this.#entries.push(entry);
    this.#publishing ??= this.#publishInOrder();

    function settle() {
      entry.outcome = work;
    }
  }

  /** Resolves once all that was submitted is published, or the lane stands still. */
  async idle(): Promise<void> {
    await this.#publishing;
  }

  /** Publishes nothing more: another member may own the partition. What is being sent may still arrive. */
  abandon(): void {
    this.#abandon.abort(new Error("the partition was reassigned"));
    this.#entries.length = 0;
  }

  async #publishInOrder(): Promise<void> {
    try {
      for (let head = this.#entries[0]; head; head = this.#entries[0]) {
        await head.settled;
        if (this.signal.aborted) return;
        const run = this.#takeFinishedRun();
        const outcomes = await Promise.all(run.map(({ outcome }) => outcome!));
        await this.#publish(outcomes, this.signal);
        const nextOffset = run.at(-1)!.offset + 1;
        assert(
          nextOffset > (this.#nextOffset ?? 0),
          `the lane's offset went from ${this.#nextOffset} to ${nextOffset}`,
        );
        this.#nextOffset = nextOffset;
      }
      this.#publishing = undefined;
    } catch (error) {
      if (!this.signal.aborted) this.#onFailure(error);
    }
  }

  #takeFinishedRun(): Entry<Outcome>[] {
    const firstUnfinished = this.#entries.findIndex(({ outcome }) => outcome === undefined);
    const finished = firstUnfinished === -1 ? this.#entries.length : firstUnfinished;
    return this.#entries.splice(0, Math.min(finished, this.#publishRecordsMax));
  }
}

interface Entry<Outcome> {
  readonly offset: number;
  /** The work itself, once it has settled. */
  outcome: Promise<Outcome> | undefined;
  readonly settled: Promise<void>;
}
