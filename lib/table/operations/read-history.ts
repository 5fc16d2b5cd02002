import { type Commit, readCommit } from "../delta/delta-log.ts";
import { listLog } from "../delta/list-log.ts";
import type { TableAccess } from "../table-location.ts";

/** One version as `DESCRIBE HISTORY` shows it. */
export interface TableVersion {
  readonly version: number;
  /** Milliseconds since the Unix epoch; null where the writer did not note it. */
  readonly timeMs: number | null;
  readonly operation: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly addedFiles: number;
  readonly removedFiles: number;
  readonly addedBytes: number;
  readonly removedBytes: number;
  /** Whether rows came, went or changed. */
  readonly dataChange: boolean;
  readonly engine: string | null;
}

/** The newest versions of a table that its log still has, the newest first. */
export async function readHistory(access: TableAccess, countMax: number): Promise<TableVersion[]> {
  const { commits } = await listLog(access, 0);
  const versions: TableVersion[] = [];
  for (const version of commits.slice(-countMax).reverse()) {
    const commit = await readCommit(access, version);
    // Log clean-up may have taken it since the log was listed.
    if (commit) versions.push(versionOf(commit));
  }
  return versions;
}

function versionOf({ version, adds, removes, commitInfo }: Commit): TableVersion {
  const bytes = (files: readonly { size?: number | null | undefined }[]) =>
    files.reduce((sum, { size }) => sum + (size ?? 0), 0);
  return {
    version,
    timeMs: commitInfo?.timestamp ?? null,
    operation: commitInfo?.operation ?? null,
    parameters: commitInfo?.operationParameters ?? {},
    addedFiles: adds.length,
    removedFiles: removes.length,
    addedBytes: bytes(adds),
    removedBytes: bytes(removes),
    dataChange: [...adds, ...removes].some(({ dataChange }) => dataChange),
    engine: commitInfo?.engineInfo ?? null,
  };
}
