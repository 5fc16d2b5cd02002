import { describe, expect, test } from "vitest";
import {
  type Bounds,
  completed,
  completedByAssignments,
  type DeliveryState,
  nextStates,
  PROTOCOL,
  type Rules,
  START,
} from "./delivery-model.ts";

/** Some 100,000 states, 4 s on an idle core. */
const VISIT_MS_MAX = 120_000;

describe("every interleaving of publish, commit, crash, zombie, takeover and assignment", () => {
  test.each<Bounds>([
    { photos: 2, deadLetters: [], featuresMax: 5 },
    { photos: 3, deadLetters: [], featuresMax: 4 },
    { photos: 3, deadLetters: [1], featuresMax: 4 },
    { photos: 3, deadLetters: [0, 2], featuresMax: 4 },
  ])("leaves each photo once in the table: %j", { timeout: VISIT_MS_MAX }, (bounds) => {
    const { violation, states } = explore(PROTOCOL, bounds);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  });
});

describe("each rule is needed: without it some interleaving loses, doubles or never gets a photo", () => {
  test.each<[string, Partial<Rules>, Harm]>([
    ["publishing a later photo first", { publishesInOrder: false }, "lost"],
    ["committing before publishing", { commitsLast: false }, "lost"],
    ["keeping no high-water mark", { dropsRepeats: false }, "doubled"],
    ["committing over another's commit", { isFenced: false }, "doubled"],
    [
      "starting elsewhere than at the table's offset, without the marks",
      { startsAtTable: false, dropsRepeats: false },
      "doubled",
    ],
    ["dropping the window at an assignment", { commitsAtAssignment: false }, "stuck"],
  ])("%s", (_, rules, harm) => {
    expect(explore({ ...PROTOCOL, ...rules }, { photos: 2, deadLetters: [], featuresMax: 4 }).violation?.harm).toBe(
      harm,
    );
  });
});

/** Stuck: no row comes where assignments follow each other faster than windows are due. */
type Harm = "lost" | "doubled" | "stuck";

interface Violation {
  readonly harm: Harm;
  readonly state: DeliveryState;
}

/**
 * Visits every reachable state and asks of each: is a row doubled, would one be missing if all ended well from here, and
 * does every row come where members are assigned anew after each record?
 */
function explore(rules: Rules, bounds: Bounds): { violation: Violation | undefined; states: number } {
  const expected = Array.from({ length: bounds.photos }, (_, offset) => offset).filter(
    (offset) => !bounds.deadLetters.includes(offset),
  );
  const seen = new Set<string>();
  let stuck: Violation | undefined;
  const toVisit = [START];
  for (let state = toVisit.pop(); state; state = toVisit.pop()) {
    const { rows } = state.table;
    const end = completed(state, rules, bounds).table.rows;
    if (hasRepeats(rows) || hasRepeats(end)) return { violation: { harm: "doubled", state }, states: seen.size };
    if (end.length < expected.length) return { violation: { harm: "lost", state }, states: seen.size };
    expect(end.toSorted((a, b) => a - b)).toEqual(expected);
    const { rows: endByAssignments } = completedByAssignments(state, rules, bounds).table;
    if (hasRepeats(endByAssignments)) return { violation: { harm: "doubled", state }, states: seen.size };
    // A row that is lost or doubled says more of a rule than one that does not come, so the search for those goes on.
    if (endByAssignments.length < expected.length) stuck ??= { harm: "stuck", state };
    for (const next of nextStates(state, rules, bounds)) {
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      toVisit.push(next);
    }
  }
  return { violation: stuck, states: seen.size };
}

function hasRepeats(rows: readonly number[]): boolean {
  return new Set(rows).size < rows.length;
}

/** States that differ only in which of two equal processes is which are one. */
function keyOf({ features, committed, featurizers, table, reducers }: DeliveryState): string {
  const alike = <T>(processes: readonly T[]) => processes.map((process) => JSON.stringify(process)).sort();
  return JSON.stringify([features, committed, alike(featurizers), table, alike(reducers)]);
}
