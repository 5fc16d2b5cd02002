import { randomUUID } from "node:crypto";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";

/**
 * Has the table say something else of its topics from its next version on, unless somebody was first.
 *
 * @param operation what `DESCRIBE HISTORY` shows.
 * @param notes by application id, what the table is to say; what it says already is left out.
 * @returns the table's version that says it.
 */
export async function noteInTable(
  table: DeltaTable,
  operation: string,
  notes: ReadonlyMap<string, number>,
): Promise<number> {
  const { txnVersions } = table.snapshot;
  const txns = [...notes].flatMap(([appId, version]) => {
    const base = txnVersions.get(appId);
    return base === version ? [] : [{ appId, base, version }];
  });
  if (txns.length === 0) return table.snapshot.version;
  const named = { name: operation, parameters: Object.fromEntries(notes) };
  const result = await table.transact({ commitId: randomUUID(), operation: named, adds: [], txns });
  if (result.outcome === "committed") return result.version;
  throw new FruitstreamError("usage", `somebody else has changed what the table says of its topics: run it again`);
}
