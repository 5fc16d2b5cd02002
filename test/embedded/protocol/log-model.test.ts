import { describe, expect, test } from "vitest";
import { type LogBounds, type LogRules, type LogState, nextLogStates, readTable, startOf } from "./log-model.ts";
import { reachableStates } from "./reachable-states.ts";

const ALL: LogRules = { looksForBoundary: true, looksForNeighbours: true, looksForCheckpoint: true };
const NONE: LogRules = { looksForBoundary: false, looksForNeighbours: false, looksForCheckpoint: false };
/** Of two writers that sleep, one may read what the other has put where nobody sees it. */
const WORLDS: readonly LogBounds[] = [
  { cleaner: "ours", writers: 2, versionsMax: 3 },
  { cleaner: "another in order", writers: 2, versionsMax: 4 },
  { cleaner: "another in any order", writers: 1, versionsMax: 6 },
];
const [OURS, IN_ORDER, IN_ANY_ORDER] = WORLDS as [LogBounds, LogBounds, LogBounds];

describe("every interleaving of commits, checkpoints, crashes and a clean-up of the log", () => {
  test.each(WORLDS)("keeps each record once: %j", { timeout: 120_000 }, (bounds) => {
    const { harm, states } = explore(ALL, bounds);
    expect(harm).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  });
});

describe("a commit that counts although the log was cleaned up", () => {
  test.each(WORLDS)("loses rows: %j", (bounds) => {
    expect(explore(NONE, bounds).harm).toBe("lost");
  });

  test("is told by our boundary where we clean up, and not where another tool does", { timeout: 120_000 }, () => {
    const rules = { ...NONE, looksForBoundary: true };
    expect(explore(rules, OURS).harm).toBeUndefined();
    expect(explore(rules, IN_ORDER).harm).toBe("lost");
  });

  test("is told by its neighbours where another tool removes the oldest first, but by one that slept alone", () => {
    const rules = { ...NONE, looksForNeighbours: true };
    expect(explore(rules, { ...IN_ORDER, writers: 1 }).harm).toBeUndefined();
    expect(explore(rules, IN_ORDER).harm).toBe("lost");
    expect(explore(rules, IN_ANY_ORDER).harm).toBe("lost");
  });

  test("is told by a checkpoint where another tool removes versions in any order, but not by what was only read", () => {
    const rules = { ...NONE, looksForCheckpoint: true };
    expect(explore(rules, IN_ANY_ORDER).harm).toBeUndefined();
    expect(explore(rules, IN_ORDER).harm).toBe("lost");
  });
});

/**
 * Visits every reachable state, and asks whether the table that a reader finds has each record below its offset once:
 * whoever starts from it reads on at the offset.
 */
function explore(rules: LogRules, bounds: LogBounds): { harm: "lost" | "doubled" | undefined; states: number } {
  let states = 0;
  for (const state of reachableStates(startOf(bounds), (now) => nextLogStates(now, rules, bounds), keyOf)) {
    states += 1;
    const { rows, offset } = readTable(state);
    if (new Set(rows).size < rows.length) return { harm: "doubled", states };
    if (rows.length < offset) return { harm: "lost", states };
  }
  return { harm: undefined, states };
}

function keyOf({ writers, ...state }: LogState): string {
  return JSON.stringify([state, writers.map((writer) => JSON.stringify(writer)).sort()]);
}
