import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { serialiseActions } from "#lib/table/delta/actions.ts";
import { commitPath } from "#lib/table/delta/delta-log.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { addOf } from "../../lib/table/table-fixtures.ts";
import { featuresRecord, handDrivenReducer, location } from "./hand-driven-reducer.ts";

test.each([false, true])(
  "each record is one row, whichever commits another tool writes over; killed: %s",
  async (isKilled) => {
    const store = createMemoryObjectStore(["b"]);
    const records = [Array.from({ length: 30 }, (_, offset) => featuresRecord(0, offset))];
    // Every record is a window, and so a version, of its own.
    let reducer = await handDrivenReducer(store, records, 1);
    await reducer.assign([0]);
    for (const [upTo, overwritten] of [
      [5, 4],
      [12, 9],
      [20, 20],
      [26, 25],
    ] as const) {
      const { version } = (await openTable(store, location)).snapshot;
      await reducer.read(0, upTo - version);
      const commitInfo = { operation: "ALTER TABLE", engineInfo: "Apache-Spark", txnId: randomUUID() };
      await store.put(tableObject(location, commitPath(overwritten)), Buffer.from(serialiseActions([{ commitInfo }])));
      if (!isKilled) continue;
      reducer = await handDrivenReducer(store, records, 1);
      await reducer.assign([0]);
    }
    for (let more = 0; more < 30; more++) await reducer.read(0, 1);

    const table = await openTable(store, location);
    const rows = await Promise.all(
      [...table.snapshot.files.values()].map((file) => readRows(table, file, ["source_offset"])),
    );
    const offsets = rows.flat().map((row) => Number(row.source_offset));
    expect(offsets.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, offset) => offset));
  },
);

test("a table with rows and without offsets is not reduced into", async () => {
  const store = createMemoryObjectStore(["b"]);
  const table = await openTable(store, location, { createIfAbsent: true });
  await table.commit({ commitId: "copy", operation: "WRITE", adds: [addOf("a")], txns: [], baseTxns: new Map() });
  const reducer = await handDrivenReducer(store, []);
  await expect(reducer.handlers.assigned([0])).rejects.toThrow(/has rows, and no offset/);
});
