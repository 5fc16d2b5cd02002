import { randomUUID } from "node:crypto";
import type { LogAdmin } from "#lib/log/record-log.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { TableAccess } from "#lib/table/table-location.ts";
import { TableProgress } from "#lib/table/table-progress.ts";

/** What a reducer does that finds nothing but markers: the table is past everything that `features` holds now. */
export async function reduceUpToEnd(
  admin: LogAdmin,
  featuresTopic: string,
  { store, location }: Pick<TableAccess, "store" | "location">,
): Promise<void> {
  const table = await openTable(store, location);
  const { txnVersions } = table.snapshot;
  const progress = new TableProgress(featuresTopic, txnVersions);
  const txns = (await admin.endOffsets(featuresTopic)).map(({ partition, offset }) => ({
    appId: progress.offsetAppId(partition),
    version: offset,
  }));
  const baseTxns = new Map(txns.map(({ appId }) => [appId, txnVersions.get(appId)]));
  await table.commit({ commitId: randomUUID(), operation: "STREAMING UPDATE", adds: [], txns, baseTxns });
}
