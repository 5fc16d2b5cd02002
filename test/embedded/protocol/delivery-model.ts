/**
 * The delivery protocol of docs/delivery.md as a state machine, small enough to visit every state. One source partition
 * and one features partition, since partitions don't meet; two featurizers and two reducers, since a zombie and its
 * successor are all that a rebalance can make. Each believes what it believes until it crashes or starts anew: nothing
 * in the model tells a zombie that it is one.
 */
export interface DeliveryState {
  /** Source offsets, in the order in which their vectors were published. */
  readonly features: readonly number[];
  /** The featurizers' committed next source offset. */
  readonly committed: number;
  /** Each featurizer's next source offset; null when it does not run. */
  readonly featurizers: readonly (number | null)[];
  readonly table: TableState;
  readonly reducers: readonly (ReducerState | null)[];
}

interface TableState {
  /** The next features offset. */
  readonly offset: number;
  readonly highWaterMark: number;
  /** Source offsets of the rows, in the order of their commits. */
  readonly rows: readonly number[];
}

interface ReducerState {
  /** The table's features offset that the window began from. */
  readonly base: number;
  readonly position: number;
  readonly highWaterMark: number;
  readonly window: readonly number[];
}

/** The protocol's rules, each of which can be left out to see what it is there for. */
export interface Rules {
  /** A featurizer publishes in the order of the source offsets; otherwise also the next one first. */
  readonly publishesInOrder: boolean;
  /** A featurizer commits what it has published, not what it has read. */
  readonly commitsLast: boolean;
  /** A reducer drops source offsets below the high-water mark. */
  readonly dropsRepeats: boolean;
  /** A table commit fails when the table's offset is not the window's base. */
  readonly isFenced: boolean;
  /** A reducer starts at the table's offset; otherwise at the topic's beginning. */
  readonly startsAtTable: boolean;
}

export const PROTOCOL: Rules = {
  publishesInOrder: true,
  commitsLast: true,
  dropsRepeats: true,
  isFenced: true,
  startsAtTable: true,
};

export interface Bounds {
  readonly photos: number;
  /** Source offsets that become dead letters: read, and never published. */
  readonly deadLetters: readonly number[];
  /** Most records in `features`: bounds the repeats. */
  readonly featuresMax: number;
}

export const START: DeliveryState = {
  features: [],
  committed: 0,
  featurizers: [null, null],
  table: { offset: 0, highWaterMark: 0, rows: [] },
  reducers: [null, null],
};

/** Every state that one step of anybody leads to. */
export function nextStates(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState[] {
  const featurizing = state.featurizers.flatMap((_, index) => featurizerSteps(state, index, rules, bounds));
  const reducing = state.reducers.flatMap((_, index) => reducerSteps(state, index, rules));
  return [...featurizing, ...reducing];
}

function featurizerSteps(state: DeliveryState, index: number, rules: Rules, bounds: Bounds): DeliveryState[] {
  const position = state.featurizers[index]!;
  const at = (next: number | null, changes: Partial<DeliveryState> = {}): DeliveryState => ({
    ...state,
    featurizers: state.featurizers.with(index, next),
    ...changes,
  });
  if (position === null) return [at(state.committed)];
  const crash = at(null);
  const commit = at(position, { committed: position });
  if (position >= bounds.photos) return [crash, commit];
  if (bounds.deadLetters.includes(position)) return [crash, commit, at(position + 1)];
  const commitEarly = rules.commitsLast ? [] : [at(position, { committed: position + 1 })];
  if (state.features.length >= bounds.featuresMax) return [crash, commit, ...commitEarly];
  const publish = at(position + 1, { features: [...state.features, position] });
  const isLast = position + 1 >= bounds.photos || bounds.deadLetters.includes(position + 1);
  const publishTwoTurned =
    rules.publishesInOrder || isLast
      ? []
      : [at(position + 2, { features: [...state.features, position + 1, position] })];
  return [crash, commit, ...commitEarly, ...publishTwoTurned, publish];
}

function reducerSteps(state: DeliveryState, index: number, rules: Rules): DeliveryState[] {
  const { table, features } = state;
  const reducer = state.reducers[index]!;
  const as = (next: ReducerState | null, changes: Partial<DeliveryState> = {}): DeliveryState => ({
    ...state,
    reducers: state.reducers.with(index, next),
    ...changes,
  });
  const offset = rules.startsAtTable ? table.offset : 0;
  const fresh: ReducerState = { base: table.offset, position: offset, highWaterMark: table.highWaterMark, window: [] };
  if (reducer === null) return [as(fresh)];

  const steps = [as(null)];
  const record = features[reducer.position];
  if (record !== undefined) {
    const isRepeat = rules.dropsRepeats && record < reducer.highWaterMark;
    steps.push(
      as({
        ...reducer,
        position: reducer.position + 1,
        highWaterMark: isRepeat ? reducer.highWaterMark : record + 1,
        window: isRepeat ? reducer.window : [...reducer.window, record],
      }),
    );
  }
  if (reducer.position > reducer.base) {
    const isFenced = rules.isFenced && table.offset !== reducer.base;
    const { position, highWaterMark } = reducer;
    const committed: TableState = { offset: position, highWaterMark, rows: [...table.rows, ...reducer.window] };
    steps.push(isFenced ? as(fresh) : as({ ...reducer, base: position, window: [] }, { table: committed }));
  }
  return steps;
}

/** What a world that is left alone comes to: everybody crashes once, then one of each works until nothing is left. */
export function completed(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState {
  const alone = { ...bounds, featuresMax: Number.POSITIVE_INFINITY };
  let now: DeliveryState = { ...state, featurizers: [null], reducers: [null] };
  const last = (steps: DeliveryState[]) => steps.at(-1)!;
  now = last(featurizerSteps(now, 0, rules, alone));
  while (now.featurizers[0]! < bounds.photos) now = last(featurizerSteps(now, 0, rules, alone));
  now = last(reducerSteps(now, 0, rules));
  while (now.reducers[0]!.position < now.features.length) now = reducerSteps(now, 0, rules)[1]!;
  return now.reducers[0]!.position > now.reducers[0]!.base ? last(reducerSteps(now, 0, rules)) : now;
}
