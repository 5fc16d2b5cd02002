/**
 * The delivery protocol of docs/delivery.md as a state machine, small enough to visit every state. One source partition
 * and one features partition, since partitions don't meet; two featurizers and two reducers, since a zombie and its
 * successor are all that a rebalance can make. Each believes what it believes until it crashes, starts anew or is assigned
 * its partition: nothing in the model tells a zombie that it is one.
 */
export interface DeliveryState {
  /** Which of all topics of its name `features` is: the first, or the one that was created when that was deleted. */
  readonly topic: number;
  /** Whether a reducer has met another topic than the table's, and has said so instead of reading it. */
  readonly isRefused: boolean;
  /** Source offsets, in the order in which their vectors were published. */
  readonly features: readonly number[];
  /** The featurizers' committed next source offset. */
  readonly committed: number;
  /** Each featurizer's next source offset; null when it does not run. */
  readonly featurizers: readonly (number | null)[];
  readonly table: TableState;
  readonly reducers: readonly (ReducerState | null)[];
  /** The files that each maintainer has read and will put together; null when it has none in hand. */
  readonly maintainers: readonly (readonly TableFile[] | null)[];
  /** Whether the topic of forgotten photos has the rule for the version that is forgotten. */
  readonly hasRule: boolean;
}

/** The source offsets of a file's rows. */
type TableFile = readonly number[];

interface TableState {
  /** The next features offset. */
  readonly offset: number;
  /** The topic that it was made from; null before the first commit. */
  readonly topic: number | null;
  readonly highWaterMark: number;
  /** In the order of their commits. */
  readonly files: readonly TableFile[];
  /** Whether it has counted the forgetting. */
  readonly isCounted: boolean;
  /** Whether the rows that were to be forgotten were deleted. */
  readonly isDeleted: boolean;
}

/** Source offsets of the table's rows. */
export function rowsOf({ files }: TableState): number[] {
  return files.flat();
}

interface ReducerState {
  /** The topic that there was when it started. */
  readonly topic: number;
  /** The table's features offset that the window began from. */
  readonly base: number;
  readonly position: number;
  readonly highWaterMark: number;
  readonly window: readonly number[];
  /** The photo versions that it takes to be in the table or in its window, ascending. */
  readonly known: readonly number[];
  /** Whether the table had counted the forgetting when the reducer began, and whether it knew the rule. */
  readonly isCounted: boolean;
  readonly hasRule: boolean;
}

/** The protocol's rules, each of which can be left out to see what it is there for. */
export interface Rules {
  /** A featurizer publishes in the order of the source offsets; otherwise also the next one first. */
  readonly publishesInOrder: boolean;
  /** A featurizer commits what it has published, not what it has read. */
  readonly commitsLast: boolean;
  /** A reducer drops source offsets below the high-water mark. */
  readonly dropsRepeats: boolean;
  /** A reducer drops photo versions that it knows. */
  readonly dropsKnown: boolean;
  /** What a reducer knows when it starts is what the table has; otherwise nothing. */
  readonly knowsTable: boolean;
  /** What a reducer knows of a window that it drops goes with it. */
  readonly forgetsDroppedWindow: boolean;
  /** A table commit fails when the table's offset is not the window's base. */
  readonly isFenced: boolean;
  /** A reducer starts at the table's offset; otherwise at the topic's beginning. */
  readonly startsAtTable: boolean;
  /** A reducer that is given partitions commits its window first; otherwise it drops the window. */
  readonly commitsAtAssignment: boolean;
  /** A compaction is committed if all files that it removes are in the table; otherwise whatever has become of them. */
  readonly removesWhatIsThere: boolean;
  /** A compaction removes the files that it has read; otherwise all that the table has at the commit. */
  readonly removesWhatItRead: boolean;
  /** A reducer starts only where the topic is the one that the table was made from. */
  readonly comparesTopics: boolean;
  /** A table commit fails when the table has counted a forgetting since the reducer began. */
  readonly isFencedByForgetting: boolean;
  /** A forgetting is on the topic before the table counts it; otherwise also the other way round. */
  readonly ruleComesFirst: boolean;
  /** Rows are deleted once the table has counted the forgetting; otherwise also before. */
  readonly deletesAfterCount: boolean;
}

export const PROTOCOL: Rules = {
  publishesInOrder: true,
  commitsLast: true,
  dropsRepeats: true,
  dropsKnown: true,
  knowsTable: true,
  forgetsDroppedWindow: true,
  isFenced: true,
  startsAtTable: true,
  commitsAtAssignment: true,
  removesWhatIsThere: true,
  removesWhatItRead: true,
  comparesTopics: true,
  isFencedByForgetting: true,
  ruleComesFirst: true,
  deletesAfterCount: true,
};

export interface Bounds {
  readonly photos: number;
  /** By source offset, the photo version that is announced there. */
  readonly versions: readonly number[];
  /** Source offsets that become dead letters: read, and never published. */
  readonly deadLetters: readonly number[];
  /** Most records in `features`: bounds the repeats. */
  readonly featuresMax: number;
  /** Whether two maintainers compact the table meanwhile. */
  readonly maintained?: boolean;
  /** Whether `features` may be deleted and created anew, once the table has something of it. */
  readonly isCreatedAnew?: boolean;
  /** The photo version that somebody forgets; none where it is missing. */
  readonly forgotten?: number;
}

export const START: DeliveryState = {
  topic: 0,
  isRefused: false,
  features: [],
  committed: 0,
  featurizers: [null, null],
  table: { offset: 0, topic: null, highWaterMark: 0, files: [], isCounted: false, isDeleted: false },
  reducers: [null, null],
  maintainers: [null, null],
  hasRule: false,
};

/** Every state that one step of anybody leads to. */
export function nextStates(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState[] {
  const featurizing = state.featurizers.flatMap((_, index) => featurizerSteps(state, index, rules, bounds));
  const reducing = state.reducers.flatMap((_, index) => reducerSteps(state, index, rules, bounds));
  const maintaining = bounds.maintained
    ? state.maintainers.flatMap((_, index) => maintainerSteps(state, index, rules))
    : [];
  const { topic, table } = state;
  const mayBeCreatedAnew = bounds.isCreatedAnew && topic === 0 && table.topic !== null;
  const createdAnew: DeliveryState[] = mayBeCreatedAnew ? [{ ...state, topic: 1, features: [] }] : [];
  return [...featurizing, ...reducing, ...maintaining, ...createdAnew, ...forgettingSteps(state, rules, bounds)];
}

/** A maintainer reads all files, or commits the file that it has made of them; it need never come back from a crash. */
function maintainerSteps(state: DeliveryState, index: number, rules: Rules): DeliveryState[] {
  const { table } = state;
  const read = state.maintainers[index]!;
  const as = (files: readonly TableFile[] | null, table = state.table): DeliveryState => ({
    ...state,
    table,
    maintainers: state.maintainers.with(index, files),
  });
  if (read === null) return table.files.length < 2 ? [] : [as(table.files)];
  const isThere = (file: TableFile) => table.files.includes(file);
  if (rules.removesWhatIsThere && !read.every(isThere)) return [as(null)];
  const kept = rules.removesWhatItRead ? table.files.filter((file) => !read.includes(file)) : [];
  return [as(null, { ...table, files: [...kept, read.flat()] })];
}

/** The rule, the count, and the deletion of the rows that are there. */
function forgettingSteps(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState[] {
  if (bounds.forgotten === undefined) return [];
  const { table, hasRule } = state;
  const steps: DeliveryState[] = [];
  if (!hasRule) steps.push({ ...state, hasRule: true });
  if (!table.isCounted && (hasRule || !rules.ruleComesFirst)) {
    steps.push({ ...state, table: { ...table, isCounted: true } });
  }
  if (!table.isDeleted && hasRule && (table.isCounted || !rules.deletesAfterCount)) {
    const isForgotten = (offset: number) => bounds.versions[offset] === bounds.forgotten;
    const files = table.files.map((file) => (file.some(isForgotten) ? file.filter((row) => !isForgotten(row)) : file));
    steps.push({ ...state, table: { ...table, files: files.filter(({ length }) => length > 0), isDeleted: true } });
  }
  return steps;
}

function allForgotten(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState {
  let now = state;
  for (let [next] = forgettingSteps(now, rules, bounds); next; [next] = forgettingSteps(now, rules, bounds)) now = next;
  return now;
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

function reducerSteps(state: DeliveryState, index: number, rules: Rules, bounds: Bounds): DeliveryState[] {
  if (state.reducers[index] === null) return [started(state, index, rules, bounds)];
  const crash = as(state, index, null);
  const steps = [crash, ...read(state, index, rules, bounds), ...assigned(state, index, rules, bounds)];
  return [...steps, ...committed(state, index, rules, bounds)];
}

function as(state: DeliveryState, index: number, reducer: ReducerState | null, table = state.table): DeliveryState {
  return { ...state, reducers: state.reducers.with(index, reducer), table };
}

/** The reducer begins at what the table says now, whatever it had in hand. */
function started(state: DeliveryState, index: number, rules: Rules, bounds: Bounds): DeliveryState {
  const { offset, highWaterMark } = state.table;
  if (isRefusal(state, rules)) return { ...as(state, index, null), isRefused: true };
  const ofTable = rules.knowsTable ? versionsOf(rowsOf(state.table), bounds) : [];
  const ofBefore = rules.forgetsDroppedWindow ? [] : (state.reducers[index]?.known ?? []);
  const known = ascending([...ofTable, ...ofBefore]);
  const position = rules.startsAtTable ? offset : 0;
  const { topic, hasRule } = state;
  const { isCounted } = state.table;
  return as(state, index, { topic, base: offset, position, highWaterMark, window: [], known, isCounted, hasRule });
}

/** Whether whoever starts here meets another topic than the table's. */
function isRefusal({ topic, table }: DeliveryState, { comparesTopics }: Rules): boolean {
  return comparesTopics && table.topic !== null && table.topic !== topic;
}

/** The photo versions of these source offsets. */
export function versionsOf(offsets: readonly number[], { versions }: Bounds): number[] {
  return offsets.map((offset) => versions[offset]!);
}

function ascending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The reducer takes the next record into its window; nothing when there is none. */
function read(state: DeliveryState, index: number, rules: Rules, { versions, forgotten }: Bounds): DeliveryState[] {
  const reducer = state.reducers[index]!;
  const record = state.features[reducer.position];
  if (record === undefined) return [];
  const isRepeat = rules.dropsRepeats && record < reducer.highWaterMark;
  const highWaterMark = isRepeat ? reducer.highWaterMark : record + 1;
  const version = versions[record]!;
  const isForgotten = reducer.hasRule && version === forgotten;
  const isDropped = isRepeat || isForgotten || (rules.dropsKnown && reducer.known.includes(version));
  const window = isDropped ? reducer.window : [...reducer.window, record];
  const known = isDropped ? reducer.known : ascending([...reducer.known, version]);
  return [as(state, index, { ...reducer, position: reducer.position + 1, highWaterMark, window, known })];
}

/** The reducer commits its window, or is fenced and starts anew; nothing when the window is empty. */
function committed(state: DeliveryState, index: number, rules: Rules, bounds: Bounds): DeliveryState[] {
  const { table } = state;
  const reducer = state.reducers[index]!;
  const { topic, base, position, highWaterMark, window } = reducer;
  if (position <= base) return [];
  const isForgetting = rules.isFencedByForgetting && table.isCounted !== reducer.isCounted;
  if (isForgetting || (rules.isFenced && table.offset !== base)) return [started(state, index, rules, bounds)];
  const files = window.length === 0 ? table.files : [...table.files, window];
  const next: TableState = { ...table, topic: table.topic ?? topic, offset: position, highWaterMark, files };
  return [as(state, index, { ...reducer, base: position, window: [] }, next)];
}

/**
 * The group gives the reducer its partition, again or not: it commits and takes up what the table says then. In between
 * others may commit, too, so that its commit alone is a step as well.
 */
function assigned(state: DeliveryState, index: number, rules: Rules, bounds: Bounds): DeliveryState[] {
  const [settled = state] = rules.commitsAtAssignment ? committed(state, index, rules, bounds) : [];
  return [started(settled, index, rules, bounds)];
}

/**
 * What a world comes to in which all is published and the reducers, zombies among them, are assigned anew after each
 * record, so that no window is ever committed for another reason.
 */
export function completedByAssignments(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState {
  let now = allForgotten(allPublished(state, rules, bounds), rules, bounds);
  if (isRefusal(now, rules)) return { ...now, isRefused: true };
  for (let round = 0; round <= now.features.length && now.table.offset < now.features.length; round++) {
    for (const index of now.reducers.keys()) {
      if (now.reducers[index] === null) now = started(now, index, rules, bounds);
      if (now.reducers[index] === null) return now;
      [now = now] = read(now, index, rules, bounds);
      [now = now] = assigned(now, index, rules, bounds);
    }
  }
  return now;
}

/** What a world that is left alone comes to: everybody crashes once, then one of each works until nothing is left. */
export function completed(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState {
  const settled = allForgotten(allPublished({ ...state, reducers: [null] }, rules, bounds), rules, bounds);
  let now = started(settled, 0, rules, bounds);
  if (now.reducers[0] === null) return now;
  while (now.reducers[0]!.position < now.features.length) [now = now] = read(now, 0, rules, bounds);
  return committed(now, 0, rules, bounds)[0] ?? now;
}

/** One featurizer has started at the committed offset and published all that is left. */
function allPublished(state: DeliveryState, rules: Rules, bounds: Bounds): DeliveryState {
  const alone = { ...bounds, featuresMax: Number.POSITIVE_INFINITY };
  const step = (now: DeliveryState) => featurizerSteps(now, 0, rules, alone).at(-1)!;
  let now = step({ ...state, featurizers: [null] });
  while (now.featurizers[0]! < bounds.photos) now = step(now);
  return now;
}
