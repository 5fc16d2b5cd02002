/** Memory that is used again and again, as large as the largest use so far. */
export class Scratch {
  #values = new Float64Array();

  /** So many values, with what was last written there. They are the caller's until the next call. */
  take(count: number): Float64Array {
    if (this.#values.length < count) this.#values = new Float64Array(count);
    return this.#values.subarray(0, count);
  }
}
