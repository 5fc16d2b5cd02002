import { describe, expect, test } from "vitest";
import {
  type Bounds,
  completed,
  completedByAssignments,
  type DeliveryState,
  nextStates,
  PROTOCOL,
  type Rules,
  rowsOf,
  START,
  versionsOf,
} from "./delivery-model.ts";
import { reachableStates } from "./reachable-states.ts";

/** Some 100,000 states, 4 s on an idle core. */
const VISIT_MS_MAX = 120_000;

describe("every interleaving of publish, commit, crash, zombie, takeover and assignment", () => {
  test.each<Bounds>([
    { photos: 2, versions: [0, 1], deadLetters: [], featuresMax: 5 },
    { photos: 3, versions: [0, 1, 2], deadLetters: [], featuresMax: 4 },
    { photos: 3, versions: [0, 1, 2], deadLetters: [1], featuresMax: 4 },
    { photos: 3, versions: [0, 1, 2], deadLetters: [0, 2], featuresMax: 4 },
    // Announced twice, or three times, or again after it was a dead letter.
    { photos: 2, versions: [0, 0], deadLetters: [], featuresMax: 5 },
    { photos: 3, versions: [0, 1, 0], deadLetters: [], featuresMax: 4 },
    { photos: 3, versions: [0, 0, 0], deadLetters: [], featuresMax: 4 },
    { photos: 3, versions: [0, 0, 1], deadLetters: [0], featuresMax: 4 },
    // While two maintainers compact.
    { photos: 3, versions: [0, 1, 2], deadLetters: [], featuresMax: 3, maintained: true },
    { photos: 3, versions: [0, 1, 0], deadLetters: [], featuresMax: 3, maintained: true },
    { photos: 2, versions: [0, 1], deadLetters: [], featuresMax: 3, isCreatedAnew: true },
    // Forgotten at any moment, and announced again.
    { photos: 2, versions: [0, 1], deadLetters: [], featuresMax: 3, forgotten: 0 },
    { photos: 2, versions: [0, 0], deadLetters: [], featuresMax: 2, forgotten: 0 },
  ])("leaves each photo version once in the table: %j", { timeout: VISIT_MS_MAX }, (bounds) => {
    const { violation, states } = explore(PROTOCOL, bounds);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  });
});

describe("each rule is needed: without it some interleaving loses, doubles or never gets a photo", () => {
  // Repeats are of a photo version that is known, as long as it is remembered: each rule alone is looked at without that.
  const repeated: Partial<Rules> = { dropsKnown: false };
  const once = [0, 1];
  const twice = [0, 0];
  const thrice = [0, 1, 2];
  test.each<[string, Partial<Rules>, Harm, readonly number[]]>([
    ["publishing a later photo first", { publishesInOrder: false }, "lost", once],
    ["committing before publishing", { commitsLast: false }, "lost", once],
    ["keeping no high-water mark", { ...repeated, dropsRepeats: false }, "doubled", once],
    ["committing over another's commit", { isFenced: false }, "doubled", once],
    [
      "starting elsewhere than at the table's offset, without the marks",
      { ...repeated, startsAtTable: false, dropsRepeats: false },
      "doubled",
      once,
    ],
    ["dropping the window at an assignment", { commitsAtAssignment: false }, "stuck", once],
    ["taking a photo version that is known", { dropsKnown: false }, "doubled", twice],
    ["knowing nothing of what the table has", { knowsTable: false }, "doubled", twice],
    ["reading on in a topic that was created anew", { comparesTopics: false }, "lost", once],
    ["knowing a window that was dropped", { forgetsDroppedWindow: false }, "lost", once],
    ["compacting files that others have compacted", { removesWhatIsThere: false }, "doubled", once],
    ["compacting over what was added meanwhile", { removesWhatItRead: false }, "lost", thrice],
  ])("%s", (_, rules, harm, versions) => {
    const maintained = "removesWhatIsThere" in rules || "removesWhatItRead" in rules;
    const isCreatedAnew = rules.comparesTopics === false;
    const featuresMax = maintained ? 3 : 4;
    const bounds = { photos: versions.length, versions, deadLetters: [], featuresMax, maintained, isCreatedAnew };
    expect(explore({ ...PROTOCOL, ...rules }, bounds).violation?.harm).toBe(harm);
  });

  test.each<[string, Partial<Rules>]>([
    ["committing a window that was filtered before the forgetting", { isFencedByForgetting: false }],
    ["counting a forgetting before the topic has it", { ruleComesFirst: false }],
    ["deleting rows before the forgetting is counted", { deletesAfterCount: false }],
  ])("%s brings a forgotten photo back", (_, rules) => {
    const bounds = { photos: 2, versions: [0, 1], deadLetters: [], featuresMax: 3, forgotten: 0 };
    expect(explore({ ...PROTOCOL, ...rules }, bounds).violation?.harm).toBe("back");
  });
});

/**
 * Stuck: no row comes where assignments follow each other faster than windows are due. Back: a row of a forgotten photo is
 * there after all such rows were deleted.
 */
type Harm = "lost" | "doubled" | "stuck" | "back";

interface Violation {
  readonly harm: Harm;
  readonly state: DeliveryState;
}

/**
 * Visits every reachable state and asks of each: is a row doubled, would one be missing if all ended well from here, and
 * does every row come where members are assigned anew after each record?
 */
function explore(rules: Rules, bounds: Bounds): { violation: Violation | undefined; states: number } {
  const featurized = Array.from({ length: bounds.photos }, (_, offset) => offset).filter(
    (offset) => !bounds.deadLetters.includes(offset),
  );
  const versions = new Set(versionsOf(featurized, bounds));
  if (bounds.forgotten !== undefined) versions.delete(bounds.forgotten);
  const expected = [...versions].sort((a, b) => a - b);
  let stuck: Violation | undefined;
  let states = 0;
  for (const state of reachableStates(START, (now) => nextStates(now, rules, bounds), keyOf)) {
    states += 1;
    const harm = harmIn(state, rules, bounds, expected);
    // A row that is lost or doubled says more of a rule than one that does not come, so the search for those goes on.
    if (harm === "stuck") stuck ??= { harm, state };
    else if (harm) return { violation: { harm, state }, states };
  }
  return { violation: stuck, states };
}

function harmIn(state: DeliveryState, rules: Rules, bounds: Bounds, expected: readonly number[]): Harm | undefined {
  const [left, assigned] = [completed(state, rules, bounds), completedByAssignments(state, rules, bounds)];
  const [rows, end, endByAssignments] = [state, left, assigned].map(({ table }) => versionsOf(rowsOf(table), bounds));
  const isForgotten = (version: number) => version === bounds.forgotten;
  if ([state.table.isDeleted ? rows! : [], end!, endByAssignments!].some((each) => each.some(isForgotten)))
    return "back";
  if ([rows!, end!, endByAssignments!].some(hasRepeats)) return "doubled";
  // What a deleted topic had is gone, and somebody says so.
  if (!left.isRefused) {
    if (end!.length < expected.length) return "lost";
    expect(end!.toSorted((a, b) => a - b)).toEqual(expected);
  }
  return assigned.isRefused || endByAssignments!.length === expected.length ? undefined : "stuck";
}

/** Of photo versions. */
function hasRepeats(rows: readonly number[]): boolean {
  return new Set(rows).size < rows.length;
}

/** States that differ only in which of two equal processes is which are one. */
function keyOf({ featurizers, reducers, maintainers, ...rest }: DeliveryState): string {
  const alike = <T>(processes: readonly T[]) => processes.map((process) => JSON.stringify(process)).sort();
  return JSON.stringify([rest, alike(featurizers), alike(reducers), alike(maintainers)]);
}
