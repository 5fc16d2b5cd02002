import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { readSnapshot } from "../delta/read-snapshot.ts";
import { subjectKey, subjectOf } from "../pca-subject.ts";
import type { TableAccess } from "../table-location.ts";
import { countRows } from "../table-summary.ts";
import { BasesCheck } from "./check-bases.ts";
import { checkLog } from "./check-log.ts";
import { MarksCheck } from "./check-marks.ts";
import { checkMoments } from "./check-moments.ts";
import { checkObjects, type ObjectTotals } from "./check-objects.ts";
import { checkRepeats } from "./check-repeats.ts";
import { checkRows } from "./check-rows.ts";
import { type OnFinding, type Severity, severityOf, type TableFinding } from "./table-finding.ts";

export interface CheckTableOptions {
  /** Reads the log and a listing of the folder, and no data file. */
  readonly isQuick?: boolean;
}

/** What a check has looked at, and what came of it. */
export interface TableCheck extends ObjectTotals {
  readonly version: number;
  readonly files: number;
  /** Counted in the files; from the log alone where no file was read. */
  readonly rows: number;
  readonly errors: number;
  readonly warnings: number;
  readonly notes: number;
}

/**
 * Holds a table's newest version against itself: log, files, statistics, rows, marks, repeats, bases and checkpoints of
 * moments. Reads only. Memory does not grow with the rows: it holds the log's state, and what its parts say of themselves.
 *
 * @param onFinding told of each finding as it is found; there may be one a row.
 * @throws invalid-table when there is no table, or its log can't be read.
 */
export async function checkTable(
  access: TableAccess,
  kernel: MatrixKernel,
  onFinding: OnFinding,
  { isQuick = false }: CheckTableOptions = {},
): Promise<TableCheck> {
  const counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 };
  const found = (finding: TableFinding) => {
    counts[severityOf(finding)] += 1;
    onFinding(finding);
  };
  const snapshot = await readSnapshot(access);
  await checkLog(access, found);
  const { present, totals } = await checkObjects(access, snapshot, found);
  let rows = countRows(snapshot);
  if (!isQuick) {
    const files = [...snapshot.files.values()].filter(({ path }) => present.has(path));
    const [marks, bases] = [new MarksCheck(snapshot), new BasesCheck()];
    const read = await checkRows(access, files, found, (file, some) => {
      marks.add(file, some);
      bases.add(file, some);
    });
    rows = read.rows;
    marks.finish(found);
    await bases.finish(access, found);
    await checkRepeats(access, read.readable, rows, found);
    const bySubject = Map.groupBy(read.readable, (file) => subjectKey(subjectOf(file)));
    for (const files of bySubject.values()) await checkMoments(access, files[0]!, kernel, snapshot.version, found);
  }
  const { error: errors, warning: warnings, note: notes } = counts;
  return { version: snapshot.version, files: snapshot.files.size, rows, ...totals, errors, warnings, notes };
}
