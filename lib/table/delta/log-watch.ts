import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { TableAccess } from "../table-location.ts";
import { idOf } from "./commit-chain.ts";
import { type Commit, readCommit } from "./delta-log.ts";
import type { LogListing } from "./list-log.ts";

interface Watched {
  readonly commit: Commit;
  /** Of the file that is known to hold it. */
  etag: string | undefined;
  /** The etag that S3 gives a file of these bytes, where it encrypts none with a key of its own. */
  readonly md5: string | undefined;
}

/**
 * The latest commits that a writer has made or read, and whether the log still has them. Some tools ask whether a version
 * exists and then put without a condition: one that asks before a commit and puts after it writes over it, also when other
 * commits and a checkpoint have followed. A listing tells it by the etags, so that no file is read but those that another
 * etag makes suspicious.
 */
export class LogWatch {
  readonly #watched = new Map<number, Watched>();

  /** One that was read from a file of this etag. */
  noteRead(commit: Commit, etag: string | undefined): void {
    this.#note({ commit, etag, md5: undefined });
  }

  /** One that was written with these bytes. */
  noteWritten(commit: Commit, bytes: Uint8Array): void {
    const md5 = createHash("md5").update(bytes).digest("hex");
    this.#note({ commit, etag: undefined, md5 });
  }

  get(version: number): Commit | undefined {
    return this.#watched.get(version)?.commit;
  }

  /** Those from this version on were read from a log that has changed. */
  forgetFrom(version: number): Commit[] {
    const forgotten = [...this.#watched.values()].filter(({ commit }) => commit.version >= version);
    for (const { commit } of forgotten) this.#watched.delete(commit.version);
    return forgotten.map(({ commit }) => commit);
  }

  /**
   * The first commit that the listed log has no more, since another stands under its version. Commits whose files are gone
   * were cleaned up, and are not watched any longer.
   *
   * @param fromVersion where the listing begins.
   */
  async firstOverwritten(access: TableAccess, listing: LogListing, fromVersion: number): Promise<Commit | undefined> {
    for (const [version, watched] of this.#watched) {
      if (version < fromVersion) continue;
      const etag = listing.etags.get(version);
      // Below the boundary a writer that slept may have put what is nobody's.
      if (etag === undefined || version < listing.cleanedBelow) this.#watched.delete(version);
      else if (etag !== watched.etag && !(await this.#isStill(access, watched, etag))) return watched.commit;
    }
    return undefined;
  }

  async #isStill(access: TableAccess, watched: Watched, etag: string): Promise<boolean> {
    const { commit, md5 } = watched;
    if (watched.etag !== undefined || etag !== md5) {
      const actual = await readCommit(access, commit.version);
      if (actual !== undefined && !isSame(actual, commit)) return false;
    }
    watched.etag = etag;
    return true;
  }

  #note(watched: Watched): void {
    this.#watched.set(watched.commit.version, watched);
    if (this.#watched.size > WATCHED_VERSIONS) this.#watched.delete(this.#watched.keys().next().value!);
  }
}

function isSame(actual: Commit, known: Commit): boolean {
  return idOf(known) === null ? isDeepStrictEqual(actual, known) : idOf(actual) === idOf(known);
}

/** As many are on one page of a listing together with their checkpoints. */
export const WATCHED_VERSIONS = 500;
