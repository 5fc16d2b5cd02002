import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { type CheckTableOptions, checkTable, type TableCheck } from "#lib/table/check/check-table.ts";
import type { OnFinding } from "#lib/table/check/table-finding.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { openNamedTable } from "./open-named-table.ts";

/** What a check of a table found, and under which name its caller knows the table. */
export interface NamedTableCheck extends TableCheck {
  readonly table: string;
}

/** Checks a table wherever it is. @throws as `openNamedTable` and `checkTable` do. */
export async function checkNamedTable(
  place: string | undefined,
  deps: OpsDeps,
  onFinding: OnFinding,
  options: CheckTableOptions,
): Promise<NamedTableCheck> {
  await using opened = await openNamedTable(place, deps);
  const kernel = await openMatrixKernel(1);
  try {
    return { table: opened.place, ...(await checkTable(opened.table, kernel, onFinding, options)) };
  } finally {
    await kernel.release();
  }
}
