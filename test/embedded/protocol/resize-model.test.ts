import { expect, test } from "vitest";
import { reachableStates } from "./reachable-states.ts";
import {
  completedResize,
  nextResizeStates,
  RESIZE,
  type ResizeBounds,
  type ResizeRules,
  type ResizeState,
  UNRAISED,
} from "./resize-model.ts";

/** Some 70,000 states. */
const VISIT_MS_MAX = 120_000;
const BOUNDS: ResizeBounds = { photos: 2, vectorsMax: 3 };

test("partitions added at any moment, with zombies before and after, leave each photo once", {
  timeout: VISIT_MS_MAX,
}, () => {
  const { harm, states } = explore(RESIZE, BOUNDS);
  expect(harm).toBeUndefined();
  expect(states).toBeGreaterThan(1_000);
});

test.each<[string, Partial<ResizeRules>]>([
  ["a featurizer that commits what it has published by the former number", { looksBeforeCommit: false }],
  ["a number that is noted while vectors of the former one are unread", { drainsBeforeNote: false }],
  ["an end that was read before the raise", { readsEndAfterRaise: false }],
  ["a reducer that reads added partitions at once", { waitsForNote: false }],
])("%s loses one", { timeout: VISIT_MS_MAX }, (_, rules) => {
  expect(explore({ ...RESIZE, ...rules }, BOUNDS).harm).toBe("lost");
});

type Harm = "lost" | "doubled";

function explore(rules: ResizeRules, bounds: ResizeBounds): { harm: Harm | undefined; states: number } {
  let states = 0;
  for (const state of reachableStates(UNRAISED, (now) => nextResizeStates(now, rules, bounds), keyOf)) {
    states += 1;
    const end = completedResize(state, rules, bounds).table.rows;
    for (const rows of [state.table.rows, end]) {
      if (new Set(rows).size < rows.length) return { harm: "doubled", states };
    }
    if (end.length < bounds.photos) return { harm: "lost", states };
  }
  return { harm: undefined, states };
}

/** States that differ only in which of two equal processes is which are one. */
function keyOf({ featurizers, reducers, ...rest }: ResizeState): string {
  const alike = <T>(processes: readonly T[]) => processes.map((process) => JSON.stringify(process)).sort();
  return JSON.stringify([rest, alike(featurizers), alike(reducers)]);
}
