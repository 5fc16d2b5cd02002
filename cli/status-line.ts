import type { Clock } from "#lib/runtime/clock.ts";

/** How often the line changes on a terminal, and elsewhere, where every change is a line of its own. */
const TERMINAL_MS = 250;
const PLAIN_MS = 5_000;

/** One line on standard error that tells how far a command has come. */
export class StatusLine {
  readonly #clock: Clock;
  readonly #output: NodeJS.WriteStream;
  #shown = "";
  #shownAtMs: number;

  constructor(clock: Clock, output: NodeJS.WriteStream = process.stderr) {
    this.#clock = clock;
    this.#output = output;
    this.#shownAtMs = clock.nowMs();
  }

  /** Shows the newest status, unless one was shown a moment ago. Cheap enough to be called for every photo. */
  show(text: () => string): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#shownAtMs < (this.#output.isTTY ? TERMINAL_MS : PLAIN_MS)) return;
    this.#shownAtMs = nowMs;
    this.#shown = text();
    this.#output.write(this.#output.isTTY ? `${CLEAR}${this.#shown}` : `${this.#shown}\n`);
  }

  /** Prints a line that stays, above the status. */
  note(text: string): void {
    this.#output.write(this.#output.isTTY ? `${CLEAR}${text}\n${this.#shown}` : `${text}\n`);
  }

  /** Leaves the last status, or a closing line, for good. */
  end(closing = this.#shown): void {
    if (this.#output.isTTY) this.#output.write(closing === "" ? CLEAR : `${CLEAR}${closing}\n`);
    else if (closing !== "" && closing !== this.#shown) this.#output.write(`${closing}\n`);
    this.#shown = "";
  }
}

const CLEAR = "\r\u001b[2K";
