import { expect, test } from "vitest";
import type { Bench, BenchContext } from "#bench/bench.ts";
import { type Outcome, runBenches } from "#bench/run-benches.ts";

const REPORT = { method: "", tables: [], plots: [], notes: [] };
const works = (name: string): Bench => ({ name, title: name, run: async () => REPORT });
const fails = (name: string): Bench => ({
  name,
  title: name,
  run: () => Promise.reject(new Error("the broker is gone")),
});

function runContext(signal = new AbortController().signal) {
  const renewals: number[] = [];
  const context = { signal, tell: () => {} } as unknown as BenchContext;
  return { context, renewals, renew: async () => void renewals.push(1) };
}

test("a bench that fails is told of, and the next one gets a new stack", async () => {
  const run = runContext();
  const outcomes: string[] = [];
  await runBenches([works("raw"), fails("stages"), works("start")], run, async (outcome: Outcome) => {
    const end = "error" in outcome ? (outcome.error as Error).message : "a report";
    outcomes.push(`${outcome.bench.name}: ${end}, ${run.renewals.length} renewals`);
  });
  expect(outcomes).toEqual([
    "raw: a report, 0 renewals",
    "stages: the broker is gone, 0 renewals",
    "start: a report, 1 renewals",
  ]);
});

test("an interruption is no failure, and no further bench begins", async () => {
  const interruption = new AbortController();
  const interrupted: Bench = {
    ...fails("raw"),
    run: () => {
      interruption.abort(new Error("interrupted"));
      return Promise.reject(new Error("a service ended"));
    },
  };
  const outcomes: Outcome[] = [];
  const running = runBenches([interrupted, works("start")], runContext(interruption.signal), async (outcome) => {
    outcomes.push(outcome);
  });
  await expect(running).rejects.toThrow("interrupted");
  expect(outcomes).toEqual([]);
});
