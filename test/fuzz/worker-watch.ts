import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { childrenOf, peakRssMiB } from "#bench/measure/process-files.ts";
import type { CaseTally } from "./case-result.ts";

/** What a worker tells. */
interface WorkerReport {
  /** The first case that it has not tried. */
  readonly next: number;
  readonly isDone: boolean;
  readonly tally: Pick<CaseTally, "cases" | "outcomes" | "slowest" | "longestTurn" | "killed" | "problems">;
  readonly loopDelayMsMax: number;
}

export interface WorkerSpan {
  readonly kind: "photos" | "records";
  readonly first: number;
  readonly count: number;
  readonly endMs: number;
  readonly isReal: boolean;
}

/** How a worker came to its end, with what it told last. */
export interface WorkerEnd {
  readonly report: WorkerReport | undefined;
  /** What ended it in the middle of which case; undefined when it ended by itself. */
  readonly death: { readonly number: number; readonly how: string } | undefined;
  readonly rssMiBMax: number;
  readonly decoderRssMiBMax: number;
}

const WORKER = fileURLToPath(new URL("./fuzz-worker.ts", import.meta.url));
const LOOK_MS = 50;
/** A worker that stays with one case for longer hangs: no case may take so long. */
const CASE_MS_MAX = 120_000;

/** Runs a worker to its end and looks at its memory and that of its decoder meanwhile. */
export async function watchWorker(span: WorkerSpan, currentFile: string): Promise<WorkerEnd> {
  const { kind, first, count, endMs, isReal } = span;
  const options = { kind, first, count, "end-ms": endMs, current: currentFile };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = fork(WORKER, [...args, ...(isReal ? ["--real"] : [])]);
  let report: WorkerReport | undefined;
  child.on("message", (message: WorkerReport) => {
    report = message;
  });
  const memory = new MemoryWatch(child);
  const hang = new HangWatch(child, currentFile);
  const looking = setInterval(() => {
    memory.look();
    hang.look();
  }, LOOK_MS);
  const how = await new Promise<string>((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`)),
  );
  clearInterval(looking);
  const death = report?.isDone
    ? undefined
    : { number: Number(currentCase(currentFile)), how: hang.isHung ? "it hung" : how };
  return { report, death, ...memory.peaks };
}

class HangWatch {
  readonly #child: ChildProcess;
  readonly #file: string;
  #current = "";
  #sinceMs = Date.now();
  isHung = false;

  constructor(child: ChildProcess, file: string) {
    this.#child = child;
    this.#file = file;
  }

  look(): void {
    const current = currentCase(this.#file);
    if (current !== this.#current) this.#sinceMs = Date.now();
    this.#current = current;
    if (Date.now() - this.#sinceMs < CASE_MS_MAX) return;
    this.isHung = true;
    this.#child.kill("SIGKILL");
  }
}

function currentCase(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/** Peak resident sets as the kernel counts them; 0 where it does not tell. */
class MemoryWatch {
  readonly #child: ChildProcess;
  #own = 0;
  #decoder = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  get peaks() {
    return { rssMiBMax: Math.round(this.#own), decoderRssMiBMax: Math.round(this.#decoder) };
  }

  look(): void {
    const { pid } = this.#child;
    this.#own = Math.max(this.#own, peakRssMiB(pid!));
    for (const decoder of childrenOf(pid!)) this.#decoder = Math.max(this.#decoder, peakRssMiB(decoder));
  }
}
