import { renameSync, writeFileSync } from "node:fs";

/** The wall clock of the services that were started with its environment, which a test sets forward and back. */
export class ShiftableClock {
  readonly #path: string;
  #shiftMs = 0;

  constructor(path: string) {
    this.#path = path;
    this.shift(0);
  }

  get env(): Record<string, string> {
    const module = new URL("./shifted-clock.ts", import.meta.url).href;
    return { NODE_OPTIONS: `--import=${module}`, FAULT_CLOCK_FILE: this.#path };
  }

  get shiftMs(): number {
    return this.#shiftMs;
  }

  /** From now on the services' clocks are off by so many milliseconds. Whole at any moment, since they may be reading. */
  shift(shiftMs: number): void {
    this.#shiftMs = shiftMs;
    writeFileSync(`${this.#path}.new`, String(shiftMs));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
