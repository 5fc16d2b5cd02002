import { type Basis, computeBasis } from "#lib/pca/basis.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import type { Moments } from "#lib/pca/moments.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { BASIS_VALUES_MAX, BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { vectorLengthOf } from "#lib/table/feature-vectors.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";

/** A basis needs a variance, and a variance needs two rows. */
const ROWS_MIN = 2;
/** A reducer publishes at the same time as we do once or twice; more often says that something else is wrong. */
const PUBLICATIONS_MAX = 5;
/** Sums in another order differ by far less. */
const ROUNDING = 1e-9;

export interface RefitOptions {
  /** k, the number of principal components. */
  readonly components: number;
  /** Takes as many components as there are dimensions where more are asked for, instead of refusing. */
  readonly capped?: boolean;
  /** Whether the basis is published; otherwise it is what would be. */
  readonly publishes?: boolean;
}

/**
 * The basis with k components of all rows that a subject has in the table, from its moments: the newest one if it is that
 * already, else one that is aligned to it and published as the next version.
 *
 * Memory and time are those of the moments: three triangles of d(d + 1)/2 float64, and the rows that no checkpoint covers
 * are read.
 *
 * @returns undefined with fewer than two rows.
 * @throws usage when k is more than the dimensions; invalid-table when the rows can't be read.
 */
export async function refitBasis(
  table: DeltaTable,
  subject: PcaSubject,
  { components, capped = false, publishes = true }: RefitOptions,
): Promise<Basis | undefined> {
  const bases = new BasisStore(table, subject);
  const newest = await bases.refresh();
  const dimensions = newest?.dimensions ?? (await firstDimensions(table, subject));
  if (dimensions === undefined) return undefined;
  if (components > dimensions && !capped) throw tooManyComponents(subject, components, dimensions);
  const k = Math.min(components, dimensions);
  if (k * dimensions > BASIS_VALUES_MAX) throw tooManyComponents(subject, components, dimensions);
  const kernel = await openMatrixKernel(1);
  try {
    const tableMoments = await TableMoments.load(table, subject, dimensions, kernel);
    await tableMoments.catchUp(table.snapshot.version);
    const { moments } = tableMoments;
    if (moments.count < ROWS_MIN) return undefined;
    for (let attempt = 0; attempt < PUBLICATIONS_MAX; attempt++) {
      const previous = bases.newest;
      if (previous && isBasisOf(previous, moments, k)) return previous;
      const basis = await computeBasis(moments, k, kernel, previous);
      if (!publishes) return basis;
      const published = await bases.publish(basis);
      if (published === basis) return basis;
    }
  } finally {
    await kernel.release();
  }
  const problem = `another process published a basis of ${subject.model}, run ${subject.run} each time this one was to be`;
  throw new FruitstreamError("store-unavailable", `${problem}; run it again`);
}

/** As many rows may be others, after deletes: then their mean is another too. */
function isBasisOf({ rowCount, componentCount, mean }: Basis, moments: Moments, components: number): boolean {
  if (rowCount !== moments.count || componentCount !== components) return false;
  return mean.every((value, index) => Math.abs(value - moments.mean[index]!) <= ROUNDING * (1 + Math.abs(value)));
}

async function firstDimensions(table: DeltaTable, { model, run }: PcaSubject): Promise<number | undefined> {
  for (const file of table.snapshot.files.values()) {
    if (file.partitionValues.model !== model || file.partitionValues.run !== run) continue;
    const length = await vectorLengthOf(table, file);
    if (length !== undefined) return length;
  }
  return undefined;
}

function tooManyComponents({ model }: PcaSubject, components: number, dimensions: number): FruitstreamError {
  const problem = `${components} components of model ${model} were asked for, whose vectors have ${dimensions} values`;
  const most = Math.min(dimensions, Math.floor(BASIS_VALUES_MAX / dimensions));
  return new FruitstreamError("usage", `${problem}; ask for at most ${most}, or name another --model`);
}
