import type { Bench } from "./bench.ts";
import type { BenchReport } from "./report/bench-report.ts";
import type { RunContext } from "./run-context.ts";

/** What has become of a bench. */
export type Outcome = { readonly bench: Bench } & ({ readonly report: BenchReport } | { readonly error: unknown });

/**
 * Runs benches one after the other; one that fails leaves the others to run.
 *
 * @param onOutcome told after each bench, before the next one.
 * @throws the signal's reason; what `onOutcome` throws.
 */
export async function runBenches(
  benches: readonly Bench[],
  { context, renew }: Pick<RunContext, "context" | "renew">,
  onOutcome: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  for (const bench of benches) {
    const startedAtMs = performance.now();
    const outcome = await bench.run(context).then(
      (report) => ({ bench, report }),
      (error: unknown) => ({ bench, error }),
    );
    context.signal.throwIfAborted();
    context.tell(`${bench.name}: ended after ${Math.round((performance.now() - startedAtMs) / 1_000)} s`);
    await onOutcome(outcome);
    if ("error" in outcome) await renew();
  }
}
