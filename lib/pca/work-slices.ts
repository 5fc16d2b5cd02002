/**
 * Multiply-adds after which the event loop gets a turn: 4 ms of work that stays in registers, up to 15 ms of work that
 * walks its memory less kindly. A turn costs a few microseconds.
 */
const SLICE_MULTIPLY_ADDS = 2 ** 23;

/**
 * Cuts a long computation into slices between which the event loop turns, so that heartbeats go out and requests are
 * answered. Where it is cut depends on the work done and not on the time it took, and changes no result.
 */
export class WorkSlices {
  #multiplyAdds = 0;

  /** Notes work that is done. Bounded work between two calls means that the event loop waits a bounded time. */
  async did(multiplyAdds: number): Promise<void> {
    this.#multiplyAdds += multiplyAdds;
    if (this.#multiplyAdds < SLICE_MULTIPLY_ADDS) return;
    this.#multiplyAdds = 0;
    await new Promise((turn) => setImmediate(turn));
  }

  /** Does the rows 0 … rowCount − 1 in ascending ranges [first, end) of at most a slice each. */
  async overRows(
    rowCount: number,
    multiplyAddsPerRow: number,
    work: (first: number, end: number) => void,
  ): Promise<void> {
    const rowsPerSlice = Math.ceil(SLICE_MULTIPLY_ADDS / multiplyAddsPerRow);
    for (let first = 0; first < rowCount; first += rowsPerSlice) {
      const end = Math.min(rowCount, first + rowsPerSlice);
      work(first, end);
      await this.did((end - first) * multiplyAddsPerRow);
    }
  }
}
