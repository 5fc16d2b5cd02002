import { describe, expect, it } from "vitest";
import { type Basis, project } from "#lib/pca/basis.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { readCommit } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { Conflict } from "#lib/table/delta/transaction.ts";
import { openTable } from "#lib/table/open-table.ts";
import { reprojectRows } from "#lib/table/operations/reproject-rows.ts";
import { subjectKey } from "#lib/table/pca-subject.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { unavailable } from "../delta/scheduled-store.ts";
import { photoRow } from "../photo-rows.ts";
import { emptyStore, LOCATION, requestOf } from "../table-fixtures.ts";
import { basisOf } from "./basis-of.ts";

const SUBJECT = subjectKey(photoRow());
const NEWEST = basisOf(8, 3, 7);
const bases = new Map([[SUBJECT, NEWEST]]);

describe("reprojectRows", () => {
  it("gives every row its coordinates in the basis by one commit, and changes nothing else", async () => {
    const table = await tableOf(emptyStore());
    await append(table, photos(0, 5, { pcaVersion: 1 }));
    await append(table, photos(5, 3, { pcaFeatures: null, pcaVersion: null }));
    await append(table, photos(8, 4, { model: "other-1" }));
    const before = await rowsOf(table);
    const marks = new Map(table.snapshot.txnVersions);

    const result = await reprojectRows(table, { bases });

    expect(result).toEqual({ version: 4, files: 2, rows: 8 });
    const expected = before.map((row) => (Number(row.source_offset) < 8 ? projected(row, NEWEST) : row));
    expect(await rowsOf(table)).toEqual(expected);
    expect(table.snapshot.txnVersions).toEqual(marks);
  });

  it("names the removed files and says that no row is new", async () => {
    const store = emptyStore();
    const table = await tableOf(store);
    await append(table, photos(0, 5));
    await reprojectRows(table, { bases });
    const reader = await openTable(store, LOCATION);
    const commit = await readCommit(reader, 2);
    expect(commit!.removes.map(({ dataChange }) => dataChange)).toEqual([false]);
    expect(commit!.adds.map(({ dataChange }) => dataChange)).toEqual([false]);
    expect(commit!.commitInfo).toMatchObject({ operation: "REPROJECT", isBlindAppend: false });
  });

  it("does nothing where every row is of the basis already", async () => {
    const table = await tableOf(emptyStore());
    await append(table, photos(0, 5));
    await reprojectRows(table, { bases });
    const again = await reprojectRows(table, { bases });
    expect(again).toEqual({ version: undefined, files: 0, rows: 0 });
    expect(table.snapshot.version).toBe(2);
  });

  it("takes along what a reducer commits while it writes", async () => {
    const store = emptyStore();
    const reducer = await tableOf(store);
    await append(reducer, photos(0, 5));
    let appending: Promise<void> | undefined;
    const whileWriting: ObjectStore = {
      ...store,
      put: async (...args) => {
        appending ??= append(reducer, photos(5, 2));
        await appending;
        return store.put(...args);
      },
    };
    const table = await openTable(whileWriting, LOCATION);
    const result = await reprojectRows(table, { bases });
    expect(result).toMatchObject({ files: 2, rows: 7 });
    expect((await rowsOf(table)).map((row) => row.pca_version)).toEqual(Array(7).fill(7));
  });

  it("goes on from what others have done where they have removed a file, and names the conflict", async () => {
    const store = emptyStore();
    const other = await tableOf(store);
    await append(other, photos(0, 5));
    await append(other, photos(5, 5));
    const [removed] = [...other.snapshot.files.values()];
    const conflicts: Conflict[] = [];
    const table = await openTable(
      beforeCommit(store, 3, async () => {
        await removeFile(other, removed!.path);
      }),
      LOCATION,
    );
    const result = await reprojectRows(table, { bases, onConflict: (conflict) => conflicts.push(conflict) });
    expect(conflicts).toMatchObject([{ name: "ConcurrentDeleteDelete" }]);
    expect(conflicts[0]!.detail).toContain(removed!.path);
    expect(result).toEqual({ version: 4, files: 1, rows: 5 });
    expect((await rowsOf(table)).map((row) => row.source_offset)).toEqual([5, 6, 7, 8, 9]);
    // What was written in vain is gone; the files that were removed from the table stay for its older versions.
    expect(await dataFiles(store)).toHaveLength(3);
  });

  it("keeps the files of a commit whose answer is lost, and commits them once", async () => {
    const store = emptyStore();
    const writer = await tableOf(store);
    await append(writer, photos(0, 5));
    let isLost = true;
    const table = await openTable(
      {
        ...store,
        putIfAbsent: async (...args) => {
          const won = await store.putIfAbsent(...args);
          if (isLost && args[0].key.endsWith("02.json")) {
            isLost = false;
            throw unavailable();
          }
          return won;
        },
      },
      LOCATION,
    );
    expect(await reprojectRows(table, { bases })).toEqual({ version: 2, files: 1, rows: 5 });
    expect(table.snapshot.version).toBe(2);
    expect((await rowsOf(table)).map((row) => row.pca_version)).toEqual(Array(5).fill(7));
  });

  it("deletes what it has written when it fails", async () => {
    const store = emptyStore();
    const table = await tableOf(store);
    await append(table, photos(0, 5));
    await append(table, photos(5, 5));
    const [, second] = paths(table);
    await store.put(tableObject(LOCATION, second!), Buffer.from("no Parquet file"));
    await expect(reprojectRows(table, { bases })).rejects.toMatchObject({ code: "invalid-table" });
    expect(await dataFiles(store)).toEqual(paths(table).sort());
    expect(table.snapshot.version).toBe(2);
  });
});

function photos(first: number, count: number, changes: Partial<PhotoRow> = {}): PhotoRow[] {
  return Array.from({ length: count }, (_, index) => photoRow({ sourceOffset: first + index, ...changes }));
}

function tableOf(store: ObjectStore): Promise<DeltaTable> {
  return openTable(store, LOCATION, { createIfAbsent: true });
}

async function append(table: DeltaTable, rows: readonly PhotoRow[]): Promise<void> {
  const adds = await writeRows(table, rows);
  await table.commit(requestOf(table, [`mark/${rows[0]!.sourceOffset}`], adds));
}

async function removeFile(table: DeltaTable, path: string): Promise<void> {
  await table.advance();
  const planned = table.plan();
  const operation = { name: "DELETE", parameters: {} };
  const removes = [planned.files.get(path)!];
  await table.transact({ commitId: "delete", operation, reads: { planned }, removes, adds: [] });
}

async function rowsOf(table: DeltaTable): Promise<Record<string, unknown>[]> {
  const files = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file)));
  return files.flat().sort((a, b) => Number(a.source_offset) - Number(b.source_offset));
}

function projected(row: Record<string, unknown>, basis: Basis): Record<string, unknown> {
  return { ...row, pca_features: project(basis, row.features as Float32Array), pca_version: basis.version };
}

/** The store, with something that happens before the commit of a version is put for the first time. */
function beforeCommit(store: ObjectStore, version: number, happens: () => Promise<void>): ObjectStore {
  let isDue = true;
  return {
    ...store,
    putIfAbsent: async (...args) => {
      if (isDue && args[0].key.endsWith(`${String(version).padStart(20, "0")}.json`)) {
        isDue = false;
        await happens();
      }
      return store.putIfAbsent(...args);
    },
  };
}

function paths(table: DeltaTable): string[] {
  return [...table.snapshot.files.keys()];
}

async function dataFiles(store: ObjectStore): Promise<string[]> {
  const files: string[] = [];
  for await (const { key } of store.list(LOCATION.bucket, `${LOCATION.prefix}/`)) {
    if (key.endsWith(".parquet")) files.push(key.slice(LOCATION.prefix.length + 1));
  }
  return files.filter((path) => !path.startsWith("_")).sort();
}
