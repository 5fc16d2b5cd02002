import type { ModelFolder } from "#lib/model/model-folder.ts";
import type { BenchStack } from "./pipeline/bench-stack.ts";
import type { BenchReport } from "./report/bench-report.ts";

/** One part of the bench, which can be run by itself. */
export interface Bench {
  /** For `--only`, and the name of its report. */
  readonly name: string;
  readonly title: string;
  run(context: BenchContext): Promise<BenchReport>;
}

/** How much is measured: everything, what some ten minutes allow, or only that everything runs. */
export type Extent = "full" | "usual" | "quick";

/** What every bench works with. */
export interface BenchContext {
  readonly photosFolder: string;
  /** Whether somebody has named the folder, so that no bench puts photos of its own in their place. */
  readonly isPhotosFolderGiven: boolean;
  readonly modelFolder: string;
  readonly model: ModelFolder;
  readonly cores: number;
  readonly extent: Extent;
  /** For logs and for files that are made; removed at the end unless something failed. */
  readonly workFolder: string;
  readonly signal: AbortSignal;
  /** Kafka and S3 of the bench's own, started at the first call. */
  stack(): Promise<BenchStack>;
  /** One line for the person who waits. */
  tell(line: string): void;
}

/** The size for this run's extent. */
export function sized<Size>({ extent }: BenchContext, sizes: Readonly<Record<Extent, Size>>): Size {
  return sizes[extent];
}
