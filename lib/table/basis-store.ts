import type { Basis } from "#lib/pca/basis.ts";
import { decodeBasis, encodeBasis } from "#lib/pca/basis-codec.ts";
import type { ObjectLocation } from "#lib/store/object-store.ts";
import { type PcaSubject, subjectFolder } from "./pca-subject.ts";
import { type TableAccess, tableObject } from "./table-location.ts";

/** All components of 4096 dimensions: 179 MB in base64, and a text of JavaScript has room for 512. */
export const BASIS_VALUES_MAX = 2 ** 24;
const BASIS_BYTES_MAX = 256 * 1_048_576;
const VERSION_DIGITS = 6;
const BASIS_NAME = /^\d+\.json$/;

/** Where a version of a subject's basis is kept, relative to the table's root. */
export function basisPath(subject: PcaSubject, version: number): string {
  return `${subjectFolder("bases", subject)}${String(version).padStart(VERSION_DIGITS, "0")}.json`;
}

/** A subject's bases: versioned, immutable, beside the table. A version that exists is never written again. */
export class BasisStore {
  readonly #access: TableAccess;
  readonly #subject: PcaSubject;
  #newest: Basis | undefined;

  constructor(access: TableAccess, subject: PcaSubject) {
    this.#access = access;
    this.#subject = subject;
  }

  /** The newest basis as of the last `refresh` or `publish`; undefined before there is one. */
  get newest(): Basis | undefined {
    return this.#newest;
  }

  /** Looks for bases that others have published. */
  async refresh(): Promise<Basis | undefined> {
    const { store, location } = this.#access;
    const folder = tableObject(location, subjectFolder("bases", this.#subject));
    const startAfter = this.#newest ? this.#object(this.#newest.version).key : folder.key;
    let newestKey: string | undefined;
    for await (const { key } of store.list(folder.bucket, folder.key, { startAfter })) {
      // Some servers list what is still being written, under a name that is gone when it is whole.
      if (BASIS_NAME.test(key.slice(folder.key.length))) newestKey = key;
    }
    if (newestKey !== undefined) {
      const { bytes } = await store.get({ bucket: folder.bucket, key: newestKey }, { bytesMax: BASIS_BYTES_MAX });
      this.#newest = decodeBasis(bytes);
    }
    return this.#newest;
  }

  /** One that was published as this version; undefined when none was. */
  async find(version: number): Promise<Basis | undefined> {
    const { store } = this.#access;
    const object = this.#object(version);
    if (!(await store.head(object))) return undefined;
    return decodeBasis((await store.get(object, { bytesMax: BASIS_BYTES_MAX })).bytes);
  }

  /**
   * Publishes the basis as its version, unless another reducer has published that version first; then theirs is taken.
   *
   * @returns the newest basis.
   */
  async publish(basis: Basis): Promise<Basis> {
    const { store } = this.#access;
    const object = this.#object(basis.version);
    if (await store.putIfAbsent(object, encodeBasis(basis), { contentType: "application/json" })) {
      this.#newest = basis;
      return basis;
    }
    return (await this.refresh()) ?? basis;
  }

  #object(version: number): ObjectLocation {
    return tableObject(this.#access.location, basisPath(this.#subject, version));
  }
}
