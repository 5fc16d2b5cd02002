import type { PhotoRow } from "#lib/table/photo-row.ts";

export interface WindowBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly openMsMax: number;
}

/**
 * The rows that will become one table commit, and the application ids that the commit moves. Bounded by rows, by bytes
 * of vectors, and by the time since its first record.
 */
export class Window {
  readonly rows: PhotoRow[] = [];
  /** By application id that the records of this window move: the version that the window began from. */
  readonly baseTxns = new Map<string, number | undefined>();
  /** Features partitions that it holds records of. */
  readonly partitions = new Set<number>();
  readonly #bounds: WindowBounds;
  #bytes = 0;
  #records = 0;
  #repeats = 0;
  #markers = 0;
  #openedAtMs: number | undefined;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
  }

  /** Notes that a record was read at this time of a monotonic clock, whether it became a row or not. */
  noteRecord(partition: number, monotonicMs: number): void {
    this.partitions.add(partition);
    this.#records += 1;
    this.#openedAtMs ??= monotonicMs;
  }

  /** Notes that the window moves an application id, the first time with the version it had before. */
  noteMove(appId: string, versionBefore: number | undefined): void {
    if (!this.baseTxns.has(appId)) this.baseTxns.set(appId, versionBefore);
  }

  /** Notes that a record's row is in the table already. */
  noteRepeat(): void {
    this.#repeats += 1;
  }

  /** Notes that a record was a flush marker. */
  noteMarker(): void {
    this.#markers += 1;
  }

  /** Records read: each became a row, was a repeat or a marker, or was set aside as a dead letter. */
  get records(): number {
    return this.#records;
  }

  get repeats(): number {
    return this.#repeats;
  }

  get markers(): number {
    return this.#markers;
  }

  addRow(row: PhotoRow): void {
    this.rows.push(row);
    this.#bytes += row.features.byteLength;
  }

  get isEmpty(): boolean {
    return this.partitions.size === 0;
  }

  get isFull(): boolean {
    return this.rows.length >= this.#bounds.rowsMax || this.#bytes >= this.#bounds.bytesMax;
  }

  /** Whether the window has been open for long enough, by the same clock. */
  isDue(monotonicMs: number): boolean {
    return this.#openedAtMs !== undefined && monotonicMs - this.#openedAtMs >= this.#bounds.openMsMax;
  }
}
