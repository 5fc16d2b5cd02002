/**
 * A table's log that is cleaned up while writers sleep, as a state machine: what a put of the next version means when its
 * name is free again. One features partition, whose records are 0, 1, 2 …; writers on it that may be zombies; others, who
 * commit what is of no concern to it; and a clean-up, by us or by another tool.
 */
export interface LogState {
  /** By version; null where a commit was removed. What a later writer has put in its place is nobody's. */
  readonly log: readonly (Entry | null)[];
  /** The newest checkpoint: the state of its version. Every table has one, of version 0 at first. */
  readonly checkpoint: TableState;
  /** The lowest version kept, as our own clean-up has written it beside the log. */
  readonly boundary: number;
  /** Whether a clean-up is at work that may remove what lies below the checkpoint. */
  readonly isCleaning: boolean;
  readonly writers: readonly (WriterState | null)[];
}

interface Entry {
  /** The record that became a row, and moved the partition's offset; undefined where the commit is of others. */
  readonly record: number | undefined;
}

interface TableState {
  readonly version: number;
  /** The partition's next record. */
  readonly offset: number;
  readonly rows: readonly number[];
}

interface WriterState {
  /** The table as it knows it. */
  readonly table: TableState;
  /** The version from which it has moved since it looked at the log. */
  readonly confirmed: number;
  /** The version among them that it has put itself. */
  readonly put: number | undefined;
}

/** What a writer looks for in a listing of the log, before it counts what it has put or read since the last one. */
export interface LogRules {
  /** A boundary above the first version that it has come to. */
  readonly looksForBoundary: boolean;
  /** The version that it came from, or its checkpoint; the one that it has come to; and the one after, below later ones. */
  readonly looksForNeighbours: boolean;
  /** A checkpoint of what it has put, or of a later version. */
  readonly looksForCheckpoint: boolean;
}

export interface LogBounds {
  readonly writers: number;
  readonly versionsMax: number;
  readonly cleaner: "ours" | "another in order" | "another in any order";
}

export function startOf({ writers }: LogBounds): LogState {
  return {
    log: [{ record: undefined }],
    checkpoint: { version: 0, offset: 0, rows: [] },
    boundary: 0,
    isCleaning: false,
    writers: Array.from({ length: writers }, () => null),
  };
}

export function nextLogStates(state: LogState, rules: LogRules, bounds: LogBounds): LogState[] {
  const writing = state.writers.flatMap((writer, index) => writerSteps(state, writer, index, rules, bounds));
  return [...writing, ...othersSteps(state, bounds), ...cleanerSteps(state, bounds)];
}

/** The table as whoever opens it finds it: from the checkpoint on, as far as there are commits. */
export function readTable({ log, checkpoint }: LogState): TableState {
  let table = checkpoint;
  for (let entry = log[table.version + 1]; entry; entry = log[table.version + 1]) table = applied(table, entry);
  return table;
}

function applied({ version, offset, rows }: TableState, { record }: Entry): TableState {
  if (record === undefined) return { version: version + 1, offset, rows };
  return { version: version + 1, offset: record + 1, rows: [...rows, record] };
}

/** Opens the table; reads the next version or puts one where there is none; then looks at the log. Or crashes. */
function writerSteps(
  state: LogState,
  writer: WriterState | null,
  index: number,
  rules: LogRules,
  { versionsMax }: LogBounds,
): LogState[] {
  const as = (next: WriterState | null, log = state.log): LogState => ({
    ...state,
    log,
    writers: state.writers.with(index, next),
  });
  if (writer === null) return [as(opened(state))];
  const crash = as(null);
  const { table, confirmed } = writer;
  const isMoved = confirmed < table.version;
  const next = state.log[table.version + 1];
  const reading = next ? [as({ ...writer, table: applied(table, next) })] : [];
  if (isMoved) {
    const isCounted = !isCutOff(state, writer, rules);
    return [crash, as(isCounted ? { ...writer, confirmed: table.version, put: undefined } : opened(state)), ...reading];
  }
  if (next || table.version + 1 > versionsMax) return [crash, ...reading];
  const entry = { record: table.offset };
  const log = state.log.with(Math.min(table.version + 1, state.log.length - 1), entry);
  const longer = table.version + 1 === state.log.length ? [...state.log, entry] : log;
  return [crash, as({ table: applied(table, entry), confirmed, put: table.version + 1 }, longer)];
}

function opened(state: LogState): WriterState {
  const table = readTable(state);
  return { table, confirmed: table.version, put: undefined };
}

function isCutOff({ log, checkpoint, boundary }: LogState, { table, confirmed, put }: WriterState, rules: LogRules) {
  const { version } = table;
  const newest = log.length - 1;
  if (rules.looksForBoundary && boundary > confirmed + 1) return true;
  if (rules.looksForCheckpoint && put !== undefined && checkpoint.version >= put) return true;
  if (!rules.looksForNeighbours) return false;
  const isFromThere = log[confirmed] !== null || checkpoint.version === confirmed;
  return !isFromThere || log[version] === null || (newest > version && log[version + 1] === null);
}

/** Somebody who has never slept commits, and writes checkpoints. */
function othersSteps(state: LogState, { versionsMax }: LogBounds): LogState[] {
  const table = readTable(state);
  const checkpoint = state.isCleaning ? [] : [{ ...state, checkpoint: table }];
  if (table.version >= versionsMax) return checkpoint;
  return [...checkpoint, { ...state, log: [...state.log, { record: undefined }] }];
}

/** One version after the other is removed, in order or not; ours writes the boundary first. */
function cleanerSteps(state: LogState, { cleaner }: LogBounds): LogState[] {
  const { log, checkpoint, boundary, isCleaning } = state;
  if (!isCleaning) {
    if (checkpoint.version === 0) return [];
    return [{ ...state, isCleaning: true, boundary: cleaner === "ours" ? checkpoint.version : boundary }];
  }
  const below = log.flatMap((entry, version) => (entry && version < checkpoint.version ? version : []));
  const removable = cleaner === "another in order" ? below.slice(0, 1) : below;
  const removed = removable.map((version) => ({ ...state, log: log.with(version, null) }));
  return [...removed, { ...state, isCleaning: false }];
}
