import { metrics } from "#lib/runtime/metrics.ts";
import type { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PhotoVersions } from "#lib/table/photo-versions.ts";
import type { BasisKeeper } from "./basis-keeper.ts";

export interface SeeOthersCommitsDeps {
  readonly table: DeltaTable;
  readonly retry: WaitingRetry;
  /** Where this member keeps the moments. */
  readonly keeper: BasisKeeper | undefined;
  /** Undefined before the first assignment. */
  readonly photoVersions: PhotoVersions | undefined;
}

/** Reads what others have committed since the table was last read. */
export async function seeOthersCommits(
  { table, keeper, photoVersions, retry }: SeeOthersCommitsDeps,
  signal: AbortSignal,
): Promise<void> {
  const s3 = { part: "s3", signal } as const;
  const commits = await retry.run({ ...s3, name: "read-table", attempt: () => table.advance() });
  metrics.tableVersion.set(table.snapshot.version);
  await retry.run({ ...s3, name: "photo-versions", attempt: async () => photoVersions?.seen(commits) });
  await retry.run({ ...s3, name: "pca", attempt: async () => keeper?.seen(commits) });
}
