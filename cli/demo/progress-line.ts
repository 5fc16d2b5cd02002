import type { PipelineState } from "./pipeline-state.ts";

/** Without a terminal, a line so often is enough. */
const PLAIN_LINE_MS = 5_000;

/** Progress on one line of the terminal, or now and then on a line of its own where there is none. Goes to stderr. */
export class ProgressLine {
  #startedAtMs = 0;
  #lastPlainMs = 0;
  #text = "";
  #announced = 0;

  announced(count: number): void {
    if (count === 0 || count === this.#announced) return;
    if (this.#announced === 0) this.#startedAtMs = Date.now();
    this.#announced = count;
    if (count % 50 === 0) this.#show(`${count} photos announced`);
  }

  progress(photos: number, { rows, featurizerLag, reducerLag }: PipelineState): void {
    const seconds = (Date.now() - this.#startedAtMs) / 1_000;
    const done = photos - featurizerLag - reducerLag;
    const share = photos === 0 ? 100 : Math.floor((100 * done) / photos);
    const rate = (done / seconds).toFixed(0);
    const lag = `lag: ${featurizerLag} to featurize, ${reducerLag} to reduce`;
    this.#show(`${done}/${photos} photos (${share} %)  ${rate}/s  ${rows} rows  ${lag}`);
  }

  /** Something worth a line that stays. */
  note(text: string): void {
    this.#clear();
    process.stderr.write(`${text}\n`);
    if (process.stderr.isTTY) process.stderr.write(this.#text);
  }

  end(): void {
    this.#clear();
    this.#text = "";
  }

  #show(text: string): void {
    if (process.stderr.isTTY) {
      this.#clear();
      this.#text = text;
      process.stderr.write(text);
    } else if (Date.now() - this.#lastPlainMs >= PLAIN_LINE_MS) {
      this.#lastPlainMs = Date.now();
      process.stderr.write(`${text}\n`);
    }
  }

  #clear(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K");
  }
}
