import { type Basis, computeBasis } from "#lib/pca/basis.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import type { Moments } from "#lib/pca/moments.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { noteBasis } from "#lib/runtime/metrics.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import { type PcaSubject, subjectKey } from "#lib/table/pca-subject.ts";
import type { TableAccess } from "#lib/table/table-location.ts";

/** The bases of each model and run, as one reducer knows them: what it projects onto, and where it publishes. */
export class SubjectBases {
  /** k, the number of principal components of bases computed here. */
  readonly componentCount: number;
  readonly #access: TableAccess;
  readonly #kernel: MatrixKernel;
  readonly #stores = new Map<string, BasisStore>();

  constructor(access: TableAccess, kernel: MatrixKernel, componentCount: number) {
    this.#access = access;
    this.#kernel = kernel;
    this.componentCount = componentCount;
  }

  /** The newest basis as of the last look or publication; undefined before there is one. */
  newest(subject: PcaSubject): Basis | undefined {
    return this.#storeOf(subject).newest;
  }

  /** Looks for bases that others have published. */
  refresh(subject: PcaSubject): Promise<Basis | undefined> {
    return this.#storeOf(subject).refresh();
  }

  /**
   * A basis of the moments, aligned to the newest.
   *
   * @throws invalid-config when there are more components than dimensions.
   */
  async compute(subject: PcaSubject, moments: Moments): Promise<Basis> {
    if (this.componentCount <= moments.dimensions) {
      return await computeBasis(moments, this.componentCount, this.#kernel, this.newest(subject));
    }
    const message = `REDUCER_COMPONENTS is ${this.componentCount}, but the model's vectors have ${moments.dimensions} values`;
    throw new FruitstreamError("invalid-config", message);
  }

  /** Publishes the basis, unless another reducer has published this version: then theirs is the newest. */
  async publish(subject: PcaSubject, candidate: Basis): Promise<Basis> {
    const basis = await this.#storeOf(subject).publish(candidate);
    const { model, run } = subject;
    noteBasis(model, run, basis.version);
    const { version, rowCount, converged, residual } = basis;
    const fields = { event: "basis_published", model, run, basis: version, rowCount, converged, residual };
    this.#access.logger.info(fields, "basis published");
    return basis;
  }

  #storeOf({ model, run }: PcaSubject): BasisStore {
    const subject = { model, run };
    const key = subjectKey(subject);
    const known = this.#stores.get(key);
    if (known) return known;
    const store = new BasisStore(this.#access, subject);
    this.#stores.set(key, store);
    return store;
  }
}
