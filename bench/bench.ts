import type { ModelFolder } from "../lib/model/model-folder.ts";
import type { BenchStack } from "./pipeline/bench-stack.ts";
import type { BenchReport } from "./report/bench-report.ts";

/** One part of the bench, which can be run by itself. */
export interface Bench {
  /** For `--only`, and the name of its report. */
  readonly name: string;
  readonly title: string;
  run(context: BenchContext): Promise<BenchReport>;
}

/** What every bench works with. */
export interface BenchContext {
  readonly photosFolder: string;
  readonly modelFolder: string;
  readonly model: ModelFolder;
  readonly cores: number;
  /** Few photos and one round: shows that everything runs, measures nothing. */
  readonly isQuick: boolean;
  /** For logs and for files that are made; removed at the end unless something failed. */
  readonly workFolder: string;
  readonly signal: AbortSignal;
  /** Kafka and S3 of the bench's own, started at the first call. */
  stack(): Promise<BenchStack>;
  /** One line for the person who waits. */
  tell(line: string): void;
}

/** The number for a whole run, or the one for a quick one. */
export function sized({ isQuick }: BenchContext, whole: number, quick: number): number {
  return isQuick ? quick : whole;
}
