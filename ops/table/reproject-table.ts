import type { Basis } from "#lib/pca/basis.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { type ReprojectOptions, reprojectRows, staleFiles } from "#lib/table/operations/reproject-rows.ts";
import { groupBySubject, type PcaSubject, subjectKey } from "#lib/table/pca-subject.ts";
import { countRows, type PartitionSummary, summarisePartitions } from "#lib/table/table-summary.ts";
import { refitBasis } from "./refit-basis.ts";

export interface ReprojectTableOptions extends Omit<ReprojectOptions, "bases"> {
  /** Whose rows are projected. */
  readonly subjects: readonly PcaSubject[];
  /** The bases are computed from all rows, with so many components; left out, they are the newest that are published. */
  readonly components?: number;
  /** Takes as many components as there are dimensions where more are asked for, instead of refusing. */
  readonly capped?: boolean;
  /** Says what would be done; nothing is written. */
  readonly isDryRun?: boolean;
}

/** What came of it, or would come. */
export interface ReprojectedTable {
  /** That the table has afterwards. */
  readonly version: number;
  readonly files: number;
  /** In these files; those that had the basis' coordinates already are counted too. */
  readonly rows: number;
  readonly bases: readonly SubjectBasis[];
}

interface SubjectBasis extends PcaSubject {
  readonly basis: Basis;
}

/**
 * Projects all rows of subjects onto one basis each, without inference, by one commit: see `reprojectRows`. Subjects
 * without a basis, of fewer than two rows, are left out.
 *
 * @throws usage when more components are asked for than vectors have values, and as `reprojectRows` does.
 */
export async function reprojectTable(table: DeltaTable, options: ReprojectTableOptions): Promise<ReprojectedTable> {
  const { subjects, components, capped = false, isDryRun = false, ...others } = options;
  await table.advance();
  const bases: SubjectBasis[] = [];
  for (const { model, run } of subjects) {
    const subject = { model, run };
    const basis =
      components === undefined
        ? await new BasisStore(table, subject).refresh()
        : await refitBasis(table, subject, { components, capped, publishes: !isDryRun });
    if (basis) bases.push({ ...subject, basis });
  }
  const byKey = new Map(bases.map(({ basis, ...subject }) => [subjectKey(subject), basis]));
  if (isDryRun) {
    const files = staleFiles(table.snapshot, byKey);
    return { version: table.snapshot.version, files: files.length, rows: countRows({ files }), bases };
  }
  const { files, rows } = await reprojectRows(table, { ...others, bases: byKey });
  return { version: table.snapshot.version, files, rows, bases };
}

/**
 * The subjects of a table: all, or those of a model, by its id or its name, and of a run.
 *
 * @throws usage when there are none of them; names what there is.
 */
export function subjectsOf(
  table: DeltaTable,
  { model, run }: { readonly model?: string | undefined; readonly run?: string | undefined },
): PcaSubject[] {
  const all = groupBySubject<PartitionSummary>(summarisePartitions(table.snapshot)).map(([first]) => first!);
  const meant = all.filter(
    (subject) =>
      (model === undefined || subject.model === model || subject.model.replace(/-[0-9a-f]+$/, "") === model) &&
      (run === undefined || subject.run === run),
  );
  if (meant.length > 0 || all.length === 0) return meant;
  const names = all.map((subject) => `${subject.model}, run ${subject.run}`).join("; ");
  throw new FruitstreamError("usage", `the table has no such rows; choose with --model and --run: ${names}`);
}
