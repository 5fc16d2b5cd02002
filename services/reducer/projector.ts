import { type Basis, project } from "#lib/pca/basis.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { momentsOfRows } from "#lib/pca/moments.ts";
import { joinVectors } from "#lib/table/join-vectors.ts";
import { groupBySubject } from "#lib/table/pca-subject.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import type { SubjectBases } from "./subject-bases.ts";

/** A variance needs two rows. */
const FIRST_BASIS_ROWS_MIN = 2;

/** Projects rows onto the newest basis of their model and run, as every reducer does. */
export class Projector {
  readonly #bases: SubjectBases;
  readonly #kernel: MatrixKernel;

  constructor(bases: SubjectBases, kernel: MatrixKernel) {
    this.#bases = bases;
    this.#kernel = kernel;
  }

  /**
   * The rows with `pcaFeatures` and `pcaVersion`, as far as there is a basis or enough rows for a first one. Vectors that
   * were projected lie one after the other in memory, so that `joinVectors` copies them no more.
   */
  async project(rows: readonly PhotoRow[]): Promise<PhotoRow[]> {
    const projected: PhotoRow[] = [];
    for (const group of groupBySubject(rows)) projected.push(...(await this.#projectGroup(group)));
    return projected;
  }

  async #projectGroup(rows: readonly PhotoRow[]): Promise<PhotoRow[]> {
    const matrix = joinVectors(rows.map(({ features }) => features));
    const basis = (await this.#bases.refresh(rows[0]!)) ?? (await this.#firstBasis(matrix, rows));
    if (!basis) return [...rows];
    const coordinates = project(basis, matrix);
    const { version, dimensions: d, componentCount: k } = basis;
    return rows.map((row, index) => ({
      ...row,
      features: matrix.subarray(index * d, (index + 1) * d),
      pcaFeatures: coordinates.subarray(index * k, (index + 1) * k),
      pcaVersion: version,
    }));
  }

  /** From the first window alone, so that hardly a row is without coordinates; better ones follow as the rows grow. */
  async #firstBasis(matrix: Float32Array, rows: readonly PhotoRow[]): Promise<Basis | undefined> {
    if (rows.length < FIRST_BASIS_ROWS_MIN) return undefined;
    const moments = await momentsOfRows(matrix, rows[0]!.features.length, this.#kernel);
    return this.#bases.publish(rows[0]!, await this.#bases.compute(rows[0]!, moments));
  }
}
