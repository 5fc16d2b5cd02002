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
  readonly #firstReady = Promise.withResolvers<void>();

  constructor(nowMs: () => number, parts: readonly string[]) {
    this.#nowMs = nowMs;
    for (const part of parts) this.#parts.set(part, { state: "starting", detail: "", sinceMs: nowMs() });
    if (this.ready) this.#firstReady.resolve();
  }

  report(part: string, state: PartState, detail = ""): void {
    const before = this.#parts.get(part);
    const sinceMs = before?.state === state ? before.sinceMs : this.#nowMs();
    this.#parts.set(part, { state, detail, sinceMs });
    if (this.ready) this.#firstReady.resolve();
  }

  get ready(): boolean {
    return [...this.#parts.values()].every(({ state }) => state === "ok");
  }

  /** Resolves when every part is ok for the first time. */
  get firstReady(): Promise<void> {
    return this.#firstReady.promise;
  }

  get parts(): Readonly<Record<string, PartReport>> {
    return Object.fromEntries(this.#parts);
  }
}
