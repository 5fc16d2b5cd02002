/** What became of one case. */
export interface CaseResult {
  /** `row`, `record`, or the code of the error that makes a dead letter. */
  readonly outcome: string;
  /** The dead letter's sentence. */
  readonly detail?: string | undefined;
  /** What is wrong with it; undefined when nothing is. */
  readonly problem: string | undefined;
  readonly ms: number;
  /** CPU time of the main thread, of the longest turn of its event loop: nothing else gets on meanwhile. */
  readonly turnMs: number;
}

/** What a worker tells of the cases that it has tried so far. */
export class CaseTally {
  cases = 0;
  readonly outcomes: Record<string, number> = {};
  readonly slowest = { number: -1, ms: 0 };
  readonly longestTurn = { number: -1, ms: 0 };
  /** Not wrong, but each cost two processes. */
  readonly killed: { number: number; name: string; detail: string | undefined }[] = [];
  readonly problems: { number: number; name: string; problem: string }[] = [];

  note(number: number, name: string, { outcome, detail, problem, ms, turnMs }: CaseResult): void {
    this.cases += 1;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    if (ms > this.slowest.ms) Object.assign(this.slowest, { number, ms: Math.round(ms) });
    if (turnMs > this.longestTurn.ms) Object.assign(this.longestTurn, { number, ms: Math.round(turnMs) });
    if (outcome === "decoder-killed") this.killed.push({ number, name, detail });
    if (problem !== undefined) this.problems.push({ number, name, problem });
  }
}
