/**
 * A part of a service that an operator can look at. `waiting` means: it will go on by itself once another system does;
 * `stuck`: there is work, nothing is waited for, and nothing is done.
 */
export type PartState = "starting" | "ok" | "waiting" | "stuck";

export interface PartReport {
  readonly state: PartState;
  readonly detail: string;
  readonly sinceMs: number;
}

/** What a service's parts last said of themselves. Ready means that every part is ok. */
export class Health {
  readonly #parts = new Map<string, PartReport>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number, parts: readonly string[]) {
    this.#nowMs = nowMs;
    for (const part of parts) this.report(part, "starting");
  }

  report(part: string, state: PartState, detail = ""): void {
    const before = this.#parts.get(part);
    const sinceMs = before?.state === state ? before.sinceMs : this.#nowMs();
    this.#parts.set(part, { state, detail, sinceMs });
  }

  get ready(): boolean {
    return [...this.#parts.values()].every(({ state }) => state === "ok");
  }

  get parts(): Readonly<Record<string, PartReport>> {
    return Object.fromEntries(this.#parts);
  }
}
