import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile, DomainMetadata, Metadata, Protocol, RemoveFile, Transaction } from "./actions.ts";
import type { Commit } from "./delta-log.ts";

/**
 * The state of a table at one version, by action reconciliation; moves forward one commit at a time. Whether rows can be
 * read from it is asked elsewhere, of the version that is wanted: on the way there the table may have been one that can't.
 */
export class Snapshot {
  #version: number;
  #metadata: Metadata;
  #protocol: Protocol;
  readonly #files = new Map<string, AddFile>();
  readonly #tombstones = new Map<string, RemoveFile>();
  readonly #txns = new Map<string, Transaction>();
  readonly #txnVersions = new Map<string, number>();
  readonly #domains = new Map<string, DomainMetadata>();

  /**
   * From version 0's commit, or from a checkpoint's actions.
   *
   * @throws invalid-table when it does not describe a table.
   */
  constructor(base: Commit) {
    const { version, metadata, protocol } = base;
    if (metadata === undefined || protocol === undefined) {
      throw new FruitstreamError("invalid-table", `version ${version} begins a table without metaData or protocol`);
    }
    this.#version = version - 1;
    this.#metadata = metadata;
    this.#protocol = protocol;
    this.apply(base);
  }

  get version(): number {
    return this.#version;
  }

  get metadata(): Metadata {
    return this.#metadata;
  }

  get protocol(): Protocol {
    return this.#protocol;
  }

  /** The active files, by path. */
  get files(): ReadonlyMap<string, AddFile> {
    return this.#files;
  }

  /** The removed files that no later commit has added again, by path. */
  get tombstones(): ReadonlyMap<string, RemoveFile> {
    return this.#tombstones;
  }

  /** The latest `txn` of each application, as it was written. */
  get txns(): ReadonlyMap<string, Transaction> {
    return this.#txns;
  }

  /** The latest version that each application recorded. */
  get txnVersions(): ReadonlyMap<string, number> {
    return this.#txnVersions;
  }

  /** What other tools keep beside the table, by domain. */
  get domains(): ReadonlyMap<string, DomainMetadata> {
    return this.#domains;
  }

  /**
   * Moves to the next version; on an error the snapshot stays where it is.
   *
   * @throws invalid-table when the commit is not the next one.
   */
  apply(commit: Commit): void {
    if (commit.version !== this.#version + 1) {
      throw new FruitstreamError("invalid-table", `version ${commit.version} can't follow version ${this.#version}`);
    }
    this.#version = commit.version;
    this.#protocol = commit.protocol ?? this.#protocol;
    this.#metadata = commit.metadata ?? this.#metadata;
    for (const remove of commit.removes) {
      this.#files.delete(remove.path);
      this.#tombstones.set(remove.path, remove);
    }
    for (const add of commit.adds) {
      this.#tombstones.delete(add.path);
      this.#files.set(add.path, add);
    }
    for (const txn of commit.txns) {
      this.#txns.set(txn.appId, txn);
      this.#txnVersions.set(txn.appId, txn.version);
    }
    for (const domain of commit.domains) {
      if (domain.removed) this.#domains.delete(domain.domain);
      else this.#domains.set(domain.domain, domain);
    }
  }
}
