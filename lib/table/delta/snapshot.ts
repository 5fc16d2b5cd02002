import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile, Metadata, Protocol, RemoveFile } from "./actions.ts";
import type { Commit } from "./delta-log.ts";

/** The protocol that this code reads and writes: no column mapping, no deletion vectors, no table features. */
export const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const satisfies Protocol;

/** The state of a table at one version, by action reconciliation; moves forward one commit at a time. */
export class Snapshot {
  #version: number;
  #metadata: Metadata;
  #protocol: Protocol;
  readonly #files = new Map<string, AddFile>();
  readonly #tombstones = new Map<string, RemoveFile>();
  readonly #txnVersions = new Map<string, number>();

  /**
   * From version 0's commit, or from a checkpoint's actions.
   *
   * @throws invalid-table when it does not describe a table, or one that needs a later reader.
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

  /** The latest version that each application recorded. */
  get txnVersions(): ReadonlyMap<string, number> {
    return this.#txnVersions;
  }

  /**
   * Moves to the next version; on an error the snapshot stays where it is.
   *
   * @throws invalid-table when the commit is not the next one, or raises the protocol beyond what we read.
   */
  apply(commit: Commit): void {
    if (commit.version !== this.#version + 1) {
      throw new FruitstreamError("invalid-table", `version ${commit.version} can't follow version ${this.#version}`);
    }
    requireReadable(commit.protocol ?? this.#protocol);
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
    for (const { appId, version } of commit.txns) this.#txnVersions.set(appId, version);
  }
}

function requireReadable({ minReaderVersion }: Protocol): void {
  if (minReaderVersion > PROTOCOL.minReaderVersion) {
    throw new FruitstreamError(
      "invalid-table",
      `the table needs a Delta reader of version ${minReaderVersion}, this one reads version ${PROTOCOL.minReaderVersion}; undo the table feature that raised it`,
    );
  }
}
