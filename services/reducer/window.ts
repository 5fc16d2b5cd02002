import assert from "node:assert";
import { metrics } from "#lib/runtime/metrics.ts";
import type { TxnGuard } from "#lib/table/delta/transaction.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { FORGOTTEN_APP_ID } from "#lib/table/table-progress.ts";

export interface WindowBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly openMsMax: number;
}

/** An application id that another writer has moved away from a window's base: the window can't be committed any more. */
export interface MovedTxn {
  readonly appId: string;
  readonly expected: number | undefined;
  readonly actual: number | undefined;
}

/** The window has read a vector whose photo is forgotten. */
export function noteForgotten(window: Window): void {
  metrics.reducerForgotten.inc();
  window.noteForgotten();
}

/** Why a window whose base was moved is dropped, for people. */
export function fencedBy(appId: string): string {
  return appId === FORGOTTEN_APP_ID ? "photos were forgotten meanwhile" : "another reducer has committed these records";
}

/** From which version a window moves an application id, and to which. */
interface Move {
  readonly base: number | undefined;
  readonly version: number;
}

/**
 * The rows that will become one table commit, and the application ids that the commit moves. Bounded by rows, by bytes
 * of vectors, and by the time since its first record.
 */
export class Window {
  readonly rows: PhotoRow[] = [];
  /** By application id that the records of this window move. */
  readonly #moves = new Map<string, Move>();
  /** Features partitions that it holds records of. */
  readonly partitions = new Set<number>();
  readonly #bounds: WindowBounds;
  /** What the rows were chosen by, and the commit does not move. */
  readonly guards: readonly TxnGuard[];
  #bytes = 0;
  #records = 0;
  #repeats = 0;
  #known = 0;
  #forgotten = 0;
  #markers = 0;
  #openedAtMs: number | undefined;

  constructor(bounds: WindowBounds, guards: readonly TxnGuard[] = []) {
    this.#bounds = bounds;
    this.guards = guards;
  }

  /** Notes that a record was read at this time of a monotonic clock, whether it became a row or not. */
  noteRecord(monotonicMs: number): void {
    this.#records += 1;
    this.open(monotonicMs);
  }

  /** Begins the window's time, unless it has begun. */
  open(monotonicMs: number): void {
    this.#openedAtMs ??= monotonicMs;
  }

  /** Notes that the window moves an application id from one version to a later one. */
  noteMove(appId: string, from: number | undefined, to: number): void {
    const move = this.#moves.get(appId);
    // The base is what the table had when the window began; all that moved it since must have been in this window.
    assert(!move || move.version === from, `${appId} was moved to ${move?.version} in this window, then from ${from}`);
    this.#moves.set(appId, { base: move ? move.base : from, version: to });
  }

  /** The application ids that the window moves, and where it moves them to. */
  get txns(): { readonly appId: string; readonly version: number }[] {
    return [...this.#moves].map(([appId, { version }]) => ({ appId, version }));
  }

  /** By application id that the window moves, the version that it began from; undefined where there was none. */
  get baseTxns(): ReadonlyMap<string, number | undefined> {
    return new Map([...this.#moves].map(([appId, { base }]) => [appId, base]));
  }

  /** The first application id of which a table that has these versions says something else than the window's base. */
  movedTxn(txnVersions: ReadonlyMap<string, number>): MovedTxn | undefined {
    const moves = Array.from(this.#moves, ([appId, { base }]) => ({ appId, base }));
    for (const { appId, base: expected } of [...moves, ...this.guards]) {
      const actual = txnVersions.get(appId);
      if (actual !== expected) return { appId, expected, actual };
    }
    return undefined;
  }

  /** Notes that a record's row is in the table already. */
  noteRepeat(): void {
    this.#repeats += 1;
  }

  /** Notes that a record's photo version has a row already, in the table or in this window. */
  noteKnown(): void {
    this.#known += 1;
  }

  /** Notes that a record's photo is forgotten. */
  noteForgotten(): void {
    this.#forgotten += 1;
  }

  /** Notes that a record was a flush marker. */
  noteMarker(): void {
    this.#markers += 1;
  }

  /** Records read: each became a row, was a repeat, known, forgotten or a marker, or was set aside as a dead letter. */
  get records(): number {
    return this.#records;
  }

  get repeats(): number {
    return this.#repeats;
  }

  get known(): number {
    return this.#known;
  }

  get forgotten(): number {
    return this.#forgotten;
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
