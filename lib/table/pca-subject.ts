import type { AddFile } from "./delta/actions.ts";
import { SIDE_FOLDER } from "./table-location.ts";

/** Whose rows are reduced together: one model's vectors of one run. Moments and bases are kept per subject. */
export interface PcaSubject {
  readonly model: string;
  readonly run: string;
}

/** Whose rows a data file has; a part is empty where the file's writer named none. */
export function subjectOf({ partitionValues: { model, run } }: Pick<AddFile, "partitionValues">): PcaSubject {
  return { model: model ?? "", run: run ?? "" };
}

/** A key for maps. Neither part can hold a slash. */
export function subjectKey({ model, run }: PcaSubject): string {
  return `${model}/${run}`;
}

/** Where a subject's bases or moments are kept, relative to the table's root; ends in a slash. */
export function subjectFolder(kind: "bases" | "moments", { model, run }: PcaSubject): string {
  return `${SIDE_FOLDER}/${kind}/model=${model}/run=${run}/`;
}

/** The rows of each subject, in their order. */
export function groupBySubject<Row extends PcaSubject>(rows: readonly Row[]): Row[][] {
  return [...Map.groupBy(rows, subjectKey).values()];
}
