import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { deleteRows } from "#lib/table/operations/delete-rows.ts";
import { rewriteFiles } from "#lib/table/operations/rewrite-files.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { photoRow } from "../photo-rows.ts";
import { emptyStore, LOCATION, setProperty } from "../table-fixtures.ts";
import { allRows } from "./maintained-table.ts";

async function tableOf(files: readonly (readonly number[])[]) {
  const store = emptyStore();
  const table = await openTable(store, LOCATION, { createIfAbsent: true });
  for (const offsets of files) {
    const adds = await writeRows(
      table,
      offsets.map((sourceOffset) => photoRow({ sourceOffset })),
    );
    await table.commit({ commitId: randomUUID(), operation: "WRITE", adds, txns: [], baseTxns: new Map() });
  }
  return { store, table };
}

const isOffset =
  (wanted: (offset: number) => boolean) =>
  ({ path }: { readonly path: string }) =>
    wanted(Number(/_(\d+)\.jpg$/.exec(path)?.[1]));

test("of any rows in any files those that are chosen are gone, and all others are as they were", async () => {
  const files = fc.array(fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 4 }), async (offsets, divisor) => {
      const { table } = await tableOf(offsets);
      const isGone = (offset: number) => offset % divisor === 0;
      const before = await allRows(table);
      const { rows } = await deleteRows(table, isOffset(isGone));
      const expected = before.filter(({ source_offset }) => !isGone(Number(source_offset)));
      expect(await allRows(table)).toEqual(expected);
      expect(rows).toBe(before.length - expected.length);
    }),
    { numRuns: 15 },
  );
});

test("nothing is committed where there is nothing to delete", async () => {
  const { table } = await tableOf([[1, 2]]);
  const { version, subjects } = await deleteRows(table, () => false);
  expect({ version, subjects }).toEqual({ version: undefined, subjects: [] });
  expect(table.snapshot.version).toBe(1);
});

test("rows that others have moved to another file meanwhile are deleted there", async () => {
  const { store, table } = await tableOf([[1, 2], [3]]);
  const others = await openTable(store, LOCATION);
  let hasCompacted = false;
  const racing = Object.assign(Object.create(table) as DeltaTable, {
    transact: async (transaction: Parameters<DeltaTable["transact"]>[0]) => {
      if (!hasCompacted) {
        hasCompacted = true;
        const removes = [...others.snapshot.files.values()];
        const add = await rewriteFiles(others, others.snapshot.metadata, removes);
        const operation = { name: "OPTIMIZE", parameters: {} };
        const reads = { planned: others.plan() };
        await others.transact({ commitId: "a", operation, reads, removes, adds: [add!], dataChange: false });
      }
      return table.transact(transaction);
    },
    plan: () => table.plan(),
    advance: () => table.advance(),
  });
  Object.defineProperty(racing, "snapshot", { get: () => table.snapshot });
  for (const name of ["store", "location", "logger", "clock", "columns"] as const) {
    Object.defineProperty(racing, name, { value: table[name] });
  }
  const { rows } = await deleteRows(
    racing,
    isOffset((offset) => offset === 2),
  );
  expect(rows).toBe(1);
  expect((await allRows(table)).map(({ source_offset }) => source_offset)).toEqual([1, 3]);
  // What was written for the transaction that was not committed is gone.
  const kept = new Set([...table.snapshot.files.keys()]);
  const left: string[] = [];
  for await (const { key } of store.list(LOCATION.bucket, `${LOCATION.prefix}/model=`)) left.push(key);
  expect(left.filter((key) => kept.has(key.slice(LOCATION.prefix.length + 1)))).toHaveLength(1);
  expect(left).toHaveLength(4);
});

test("an append-only table keeps its rows", async () => {
  const { table } = await tableOf([[1]]);
  await setProperty(table, "delta.appendOnly", "true");
  await expect(deleteRows(table, () => true)).rejects.toMatchObject({ code: "invalid-table" });
});
