import { randomUUID } from "node:crypto";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatTableUri, type TableAccess, tableObject } from "../table-location.ts";
import type { OverwrittenCommit } from "./commit-chain.ts";
import { type Commit, readCommits } from "./delta-log.ts";
import type { Gap } from "./log-checks.ts";
import { type LostCommit, type Restoration, restorationOf, restoredAppId } from "./lost-commit.ts";
import type { TableLog } from "./table-log.ts";
import { conflictOf, planOf, type TableTransaction } from "./transaction.ts";

/**
 * Puts back what other tools have written over in the log that a writer follows. Not for concurrent calls. What it reads of
 * other commits meanwhile is handed over to whoever asks the log next.
 */
export class LogRepair {
  readonly #access: TableAccess;
  readonly #log: TableLog;

  constructor(access: TableAccess, log: TableLog) {
    this.#access = access;
    this.#log = log;
  }

  /**
   * Puts back all lost commits that are known. One that is just being made is left out: it was never said to be committed,
   * and will be made again. May be called again when it has failed.
   *
   * @throws invalid-table when one can't be put back, with the records whose rows are missing. The table notes it, so that
   * it is said once.
   */
  async putBackLost(inFlight?: Pick<TableTransaction, "commitId">): Promise<void> {
    for (const found of this.#log.lostCommits()) {
      const problem = found.lost.id === inFlight?.commitId ? undefined : await this.#putBack(found);
      this.#log.forgetLost(found);
      if (problem) throw problem;
    }
  }

  /** Says once, and notes in the table, that rows are missing of which nobody knows what they were. */
  async noteMissing(gaps: readonly Gap[]): Promise<void> {
    for (;;) {
      const planned = planOf(this.#log.snapshot);
      const unsaid = gaps.filter(({ version }) => !planned.txnVersions.has(missingAppId(version)));
      if (unsaid.length === 0) return;
      const versions = new Set(unsaid.map(({ version }) => version));
      const txns = Array.from(versions, (version) => ({ appId: missingAppId(version), base: undefined, version: 1 }));
      const ranges = unsaid.map(({ appId, from, to }) => `${appId} from ${from} to ${to}`);
      const operation = { name: "NOTE MISSING ROWS", parameters: { ranges } };
      const settles = { version: Math.min(...versions) - 1, id: null };
      const note = { commitId: randomUUID(), operation, reads: { planned, alone: true }, settles, adds: [], txns };
      if ((await this.#commit(note)) === undefined) continue;
      const uri = formatTableUri(this.#access.location);
      const what = `commits of ${uri} were written over by another tool, and the rows of these records are missing`;
      throw new FruitstreamError("invalid-table", `${what}: ${ranges.join(", ")}; ${REMEDY}`);
    }
  }

  /** @returns what is to be said when it can't be put back. */
  async #putBack({ lost, by }: LostCommit): Promise<FruitstreamError | undefined> {
    for (;;) {
      const state = planOf(this.#log.snapshot);
      if (state.txnVersions.has(restoredAppId(lost, by))) return undefined;
      const later: Commit[] = [];
      for await (const commit of readCommits(this.#access, lost.version, state.version)) later.push(commit);
      const restoration = restorationOf(lost, by, state, later);
      const { transaction, rows, problem } = await this.#withFiles(restoration);
      const restoredAs = await this.#commit(transaction);
      if (restoredAs === undefined) continue;
      const { operation, engineInfo } = by.commitInfo ?? {};
      const restored = { version: lost.version, restoredAs, rows, files: transaction.adds.length };
      const fields = { event: "commit_overwritten", ...restored, operation, engineInfo, problem };
      const message = "another tool wrote over a commit of this table; it may write only while no reducer does";
      this.#access.logger.error(fields, message);
      return problem === undefined
        ? undefined
        : notRestored(formatTableUri(this.#access.location), lost, by, rows, problem);
    }
  }

  /** As it is, if its files are still there: they belong to no version, and a late vacuum may have taken them. */
  async #withFiles(restoration: Restoration): Promise<Restoration> {
    const { transaction } = restoration;
    for (const { path } of transaction.adds) {
      if (await this.#access.store.head(tableObject(this.#access.location, path))) continue;
      const settled = { ...transaction, adds: [], removes: [], dataChange: true, txns: transaction.txns!.slice(0, 1) };
      return { ...restoration, transaction: settled, problem: `its file ${path} is gone` };
    }
    return restoration;
  }

  /** As which version, or undefined when others have committed meanwhile. */
  async #commit(transaction: TableTransaction): Promise<number | undefined> {
    for (;;) {
      const committed = this.#log.versionOf(transaction);
      if (committed !== undefined) return committed;
      if (conflictOf(transaction, this.#log.snapshot)) return undefined;
      if (!(await this.#log.put(transaction))) await this.#log.readNew();
      await this.#log.confirm();
    }
  }
}

function notRestored(
  tableUri: string,
  { version, held }: OverwrittenCommit,
  { commitInfo }: Commit,
  rows: number,
  problem: string,
): FruitstreamError {
  const who = commitInfo?.engineInfo ?? "another tool";
  const ranges = (held?.txns ?? []).map(([appId, base, moved]) => `${appId} from ${base ?? 0} to ${moved}`);
  const what = `version ${version} of ${tableUri} was written over by ${who}, and ${rows || "its"} rows are missing: ${problem}`;
  return new FruitstreamError("invalid-table", `${what} (${ranges.join(", ")}); ${REMEDY}`);
}

const REMEDY =
  "announce their photos again by `fruitstream ingest backfill`, which leaves out what the table has, or take them into a run " +
  "of their own by `fruitstream replay --topic photos --run NAME`; then start again";

/** The application id by which the table knows that rows before a version were said to be missing. */
function missingAppId(version: number): string {
  return `fruitstream/missing/${version}`;
}
