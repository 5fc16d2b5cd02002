import { FruitstreamError } from "#lib/runtime/errors.ts";
import { nearestNames } from "#lib/runtime/nearest-names.ts";
import { groupBySubject, type PcaSubject } from "#lib/table/pca-subject.ts";
import { summarisePartitions } from "#lib/table/table-summary.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";

/**
 * The rows that a person means: those of a model, by its id or by its name alone where that is clear, and of a run.
 * Without a model it is the table's only one.
 *
 * @throws usage when the table has no such rows, or several models of that name; names what there is.
 */
export function findSubject({ place, table }: NamedTable, model: string | undefined, run: string): PcaSubject {
  const subjects = groupBySubject(summarisePartitions(table.snapshot)).map(([first]) => first!);
  if (subjects.length === 0)
    throw new FruitstreamError("usage", `the table ${place} is empty; nothing was featurized yet`);

  const ids = [...new Set(subjects.map((subject) => subject.model))];
  const meant = meantBy(model, ids);
  if (model !== undefined && meant.length === 0) {
    const nearest = nearestNames(model, ids).join(", ");
    throw new FruitstreamError(
      "usage",
      `the table ${place} has no rows of a model "${model}"; it has some of ${nearest}`,
    );
  }
  if (meant.length > 1) {
    throw new FruitstreamError(
      "usage",
      `the table ${place} has several models${model === undefined ? "" : ` "${model}"`}; name one: ${meant.join(", ")}`,
    );
  }
  const runs = subjects.filter((subject) => subject.model === meant[0]).map((subject) => subject.run);
  if (runs.includes(run)) return { model: meant[0]!, run };
  const problem = `model ${meant[0]} has no rows of a run "${run}"`;
  throw new FruitstreamError("usage", `${problem}; choose with --run: ${nearestNames(run, runs).join(", ")}`);
}

function meantBy(model: string | undefined, ids: readonly string[]): readonly string[] {
  if (model === undefined) return ids;
  return ids.includes(model) ? [model] : ids.filter((id) => nameOf(id) === model);
}

/** A model's id without the hash of its content. */
function nameOf(id: string): string {
  return id.replace(/-[0-9a-f]+$/, "");
}
