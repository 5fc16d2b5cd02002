import type { Clock } from "../lib/runtime/clock.ts";
import { type IngestProgress, NO_PROGRESS } from "../services/ingest/ingest-progress.ts";

/** A line on standard error that tells how far an ingest has come. */
export interface ProgressLine {
  /** The newest progress. */
  readonly progress: IngestProgress;
  /** Takes the progress; prints it at most twice a second. */
  readonly update: (progress: IngestProgress) => void;
  /** Prints a line of its own above the progress. */
  note(text: string): void;
  /** Prints the progress a last time and ends the line. */
  finish(): void;
}

const PRINT_MS = 500;

/** On a terminal the line is rewritten in place; elsewhere only notes and the last state are printed. */
export function createProgressLine(clock: Clock, output: NodeJS.WriteStream = process.stderr): ProgressLine {
  const startMs = clock.nowMs();
  const rewrite = output.isTTY ? "\r\x1b[K" : "";
  let progress = NO_PROGRESS;
  let printedMs = startMs;
  const text = () => formatProgress(progress, clock.nowMs() - startMs);
  return {
    get progress() {
      return progress;
    },
    update(next) {
      progress = next;
      if (!output.isTTY || clock.nowMs() - printedMs < PRINT_MS) return;
      printedMs = clock.nowMs();
      output.write(`${rewrite}${text()}`);
    },
    note(line) {
      output.write(`${rewrite}${line}\n`);
    },
    finish() {
      output.write(`${rewrite}${text()}\n`);
    },
  };
}

/** As "1200 announced (400/s), 1200 uploaded, 3 skipped"; what is zero is left out. */
export function formatProgress(progress: IngestProgress, elapsedMs: number): string {
  const perSecond = Math.round(progress.announced / Math.max(elapsedMs / 1000, 0.001));
  const others = [
    [progress.uploaded, "uploaded"],
    [progress.existing, "on S3 already"],
    [progress.skipped, "skipped"],
  ] as const;
  const told = others.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  return `${progress.announced} announced (${perSecond}/s)${told.join("")}`;
}
