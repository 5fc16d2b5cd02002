/**
 * What adding partitions to `features` does to one source partition whose vectors move from a partition that was there to
 * one of those that were added, as a state machine beside that of delivery-model.ts. Two featurizers and two reducers,
 * each of which believes what it believes until it starts anew: none is told that it is a zombie.
 */
export interface ResizeState {
  /** Source offsets, in the order in which their vectors were published to the partition before. */
  readonly before: readonly number[];
  /** And to the one after. */
  readonly after: readonly number[];
  /** Whether the topic has the partitions that are added. */
  readonly isRaised: boolean;
  /** Whether the table counts on them. */
  readonly isNoted: boolean;
  /** The end of the partition before, as it was read since the topic has the others. */
  readonly endAtRaise: number | null;
  readonly committed: number;
  readonly featurizers: readonly (FeaturizerState | null)[];
  readonly table: ResizeTable;
  readonly reducers: readonly (ResizeReducer | null)[];
}

interface FeaturizerState {
  readonly next: number;
  /** Whether it publishes to the partition after. */
  readonly knowsRaise: boolean;
}

interface ResizeTable {
  /** The next offset of each of the two partitions. */
  readonly offsets: readonly [before: number, after: number];
  readonly mark: number;
  readonly rows: readonly number[];
}

interface ResizeReducer {
  readonly base: ResizeTable;
  readonly offsets: readonly [before: number, after: number];
  readonly mark: number;
  readonly window: readonly number[];
  /** Whether it counts on the partitions that were added. */
  readonly knowsNote: boolean;
}

export interface ResizeRules {
  /** A featurizer commits only while the topic has as many partitions as it publishes by. */
  readonly looksBeforeCommit: boolean;
  /** The new number is noted once the table has the partition before up to its end, as it was since the raise. */
  readonly drainsBeforeNote: boolean;
  /** That end is read since the raise; otherwise before it. */
  readonly readsEndAfterRaise: boolean;
  /** A reducer leaves the partitions alone that the table does not count on. */
  readonly waitsForNote: boolean;
}

export const RESIZE: ResizeRules = {
  looksBeforeCommit: true,
  drainsBeforeNote: true,
  readsEndAfterRaise: true,
  waitsForNote: true,
};

export interface ResizeBounds {
  readonly photos: number;
  /** Most vectors on both partitions together. */
  readonly vectorsMax: number;
}

export const UNRAISED: ResizeState = {
  before: [],
  after: [],
  isRaised: false,
  isNoted: false,
  endAtRaise: null,
  committed: 0,
  featurizers: [null, null],
  table: { offsets: [0, 0], mark: 0, rows: [] },
  reducers: [null, null],
};

/** Every state that one step of anybody leads to. */
export function nextResizeStates(state: ResizeState, rules: ResizeRules, bounds: ResizeBounds): ResizeState[] {
  return [
    ...resizeSteps(state, rules),
    ...state.featurizers.flatMap((_, index) => featurizerSteps(state, index, rules, bounds)),
    ...state.reducers.flatMap((_, index) => reducerSteps(state, index, rules)),
  ];
}

/** The command, which may be interrupted between any two of its steps and run again. */
function resizeSteps(state: ResizeState, rules: ResizeRules): ResizeState[] {
  const { isRaised, isNoted, endAtRaise, before, table } = state;
  if (isNoted) return [];
  const steps: ResizeState[] = [];
  if (!isRaised && (rules.readsEndAfterRaise || endAtRaise !== null)) steps.push({ ...state, isRaised: true });
  const readsEnd = rules.readsEndAfterRaise ? isRaised : !isRaised;
  if (readsEnd && endAtRaise === null) steps.push({ ...state, endAtRaise: before.length });
  const isDrained = !rules.drainsBeforeNote || (endAtRaise !== null && table.offsets[0] >= endAtRaise);
  if (isRaised && isDrained) steps.push({ ...state, isNoted: true });
  return steps;
}

function featurizerSteps(state: ResizeState, index: number, rules: ResizeRules, bounds: ResizeBounds): ResizeState[] {
  const featurizer = state.featurizers[index]!;
  const as = (now: FeaturizerState | null, changes: Partial<ResizeState> = {}): ResizeState => ({
    ...state,
    featurizers: state.featurizers.with(index, now),
    ...changes,
  });
  if (featurizer === null) return [as({ next: state.committed, knowsRaise: state.isRaised })];
  const { next, knowsRaise } = featurizer;
  const isStale = rules.looksBeforeCommit && knowsRaise !== state.isRaised;
  const steps = [as(null), as(isStale ? null : featurizer, isStale ? {} : { committed: next })];
  if (next >= bounds.photos || state.before.length + state.after.length >= bounds.vectorsMax) return steps;
  const published = knowsRaise ? { after: [...state.after, next] } : { before: [...state.before, next] };
  return [...steps, as({ next: next + 1, knowsRaise }, published)];
}

function reducerSteps(state: ResizeState, index: number, rules: ResizeRules): ResizeState[] {
  const as = (now: ResizeReducer | null, table = state.table): ResizeState => ({
    ...state,
    reducers: state.reducers.with(index, now),
    table,
  });
  const reducer = state.reducers[index]!;
  if (reducer === null) return [as(startedReducer(state))];
  const reads = ([0, 1] as const).flatMap((partition) => {
    const now = readOne(state, reducer, partition, rules);
    return now ? [as(now)] : [];
  });
  return [as(null), ...reads, ...committedReducer(state, reducer).map(({ now, table }) => as(now, table))];
}

function startedReducer({ table, isNoted }: ResizeState): ResizeReducer {
  return { base: table, offsets: table.offsets, mark: table.mark, window: [], knowsNote: isNoted };
}

function readOne(
  { before, after, isRaised }: ResizeState,
  reducer: ResizeReducer,
  partition: 0 | 1,
  rules: ResizeRules,
): ResizeReducer | undefined {
  const { offsets, mark, window, knowsNote } = reducer;
  const counts = knowsNote || (!rules.waitsForNote && isRaised);
  if (partition === 1 && !counts) return undefined;
  const source = (partition === 0 ? before : after)[offsets[partition]];
  if (source === undefined) return undefined;
  const moved = offsets.with(partition, offsets[partition] + 1) as [number, number];
  // A vector that is not on its source partition's partition is a dead letter and moves no mark.
  const isMisplaced = partition === 0 && counts;
  if (source < mark || isMisplaced) return { ...reducer, offsets: moved };
  return { ...reducer, offsets: moved, mark: source + 1, window: [...window, source] };
}

/** The commit, or the start anew of who is fenced; nothing where nothing was read. */
function committedReducer(
  state: ResizeState,
  { base, offsets, mark, window, knowsNote }: ResizeReducer,
): { now: ResizeReducer; table: ResizeTable }[] {
  const { table } = state;
  const moves = [0, 1].filter((partition) => offsets[partition]! > base.offsets[partition]!);
  if (moves.length === 0) return [];
  const isFenced =
    moves.some((partition) => table.offsets[partition] !== base.offsets[partition]) ||
    (mark !== base.mark && table.mark !== base.mark);
  if (isFenced) return [{ now: startedReducer(state), table }];
  const kept = (partition: 0 | 1) => (moves.includes(partition) ? offsets[partition] : table.offsets[partition]);
  const next: ResizeTable = {
    offsets: [kept(0), kept(1)],
    mark: mark === base.mark ? table.mark : mark,
    rows: [...table.rows, ...window],
  };
  const now = { base: next, offsets: next.offsets, mark: next.mark, window: [], knowsNote };
  return [{ now, table: next }];
}

/** What comes of a world that is left alone: all crash once, the command runs again, and one of each works to the end. */
export function completedResize(state: ResizeState, rules: ResizeRules, bounds: ResizeBounds): ResizeState {
  const alone = { ...bounds, vectorsMax: Number.POSITIVE_INFINITY };
  let now: ResizeState = { ...state, featurizers: [null], reducers: [null] };
  now = drained(now, rules);
  for (let step = resizeSteps(now, rules)[0]; step; step = resizeSteps(now, rules)[0]) now = drained(step, rules);
  now = featurizerSteps(now, 0, rules, alone)[0]!;
  while (now.featurizers[0]!.next < bounds.photos) now = featurizerSteps(now, 0, rules, alone).at(-1)!;
  return drained(now, rules);
}

/** A reducer has started and committed all that it may read, the partition after first. */
function drained(state: ResizeState, rules: ResizeRules): ResizeState {
  let reducer = startedReducer(state);
  for (;;) {
    const next = readOne(state, reducer, 1, rules) ?? readOne(state, reducer, 0, rules);
    if (next === undefined) break;
    reducer = next;
  }
  const [done] = committedReducer(state, reducer);
  return { ...state, table: done?.table ?? state.table, reducers: [null] };
}
