import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyMoments, foldMoments, momentsOfRows } from "#lib/pca/moments.ts";
import { encodeMoments } from "#lib/pca/moments-codec.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { checkTable, type TableCheck } from "#lib/table/check/check-table.ts";
import type { FindingCode, TableFinding } from "#lib/table/check/table-finding.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { writeCheckpoint } from "#lib/table/delta/checkpoint.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { loopKernel } from "../../pca/loop-kernel.ts";
import { photoRow } from "../photo-rows.ts";
import { accessOf, emptyStore, LOCATION, putLogFile } from "../table-fixtures.ts";

const { model, run } = photoRow();
/** Without a basis, of which there is none beside these tables. */
const plain = { pcaFeatures: null, pcaVersion: null };

/** Commits rows as a reducer does, with their offsets and marks. */
async function commitRows(table: DeltaTable, rows: readonly PhotoRow[], adds?: AddFile[]): Promise<number> {
  const progress = new TableProgress("features", table.snapshot.txnVersions);
  const end = Math.max(...rows.map(({ sourceOffset }) => sourceOffset)) + 1;
  const txns = [
    { appId: progress.offsetAppId(0), version: end },
    { appId: `fruitstream/high-water/${run}/photos/0`, version: end },
  ];
  const result = await table.commit({
    commitId: randomUUID(),
    operation: "STREAMING UPDATE",
    adds: adds ?? (await writeRows(table, rows)),
    txns,
    baseTxns: new Map(txns.map(({ appId }) => [appId, progress.get(appId)])),
  });
  return result.outcome === "committed" ? result.version : Number.NaN;
}

function rowsOf(first: number, count: number, changes: Partial<PhotoRow> = {}): PhotoRow[] {
  return Array.from({ length: count }, (_, index) => photoRow({ ...plain, ...changes, sourceOffset: first + index }));
}

async function soundTable() {
  const store = emptyStore();
  const table = await openTable(store, LOCATION, { createIfAbsent: true });
  await commitRows(table, rowsOf(0, 5));
  await commitRows(table, rowsOf(5, 4));
  return { store, table };
}

async function check(store: ReturnType<typeof emptyStore>, isQuick = false) {
  const findings: TableFinding[] = [];
  // What came before the check is older than it, however coarse the clock is.
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 1_000 };
  const result = await checkTable({ ...accessOf(store), clock }, loopKernel, (finding) => findings.push(finding), {
    isQuick,
  });
  return { result, findings, codes: findings.map(({ code }) => code) };
}

describe("a sound table", () => {
  test("has nothing to find", async () => {
    const { store } = await soundTable();
    const { result, findings } = await check(store);
    expect(findings).toEqual([]);
    expect(result).toMatchObject({
      version: 2,
      files: 2,
      rows: 9,
      errors: 0,
      warnings: 0,
    } satisfies Partial<TableCheck>);
  });

  test("of any rows, however they are split into commits", async () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 50 });
    const rows = fc.array(fc.record({ path: text, label: fc.option(text), widthPx: fc.nat() }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 5 }), async (changes, size) => {
        const store = emptyStore();
        const table = await openTable(store, LOCATION, { createIfAbsent: true });
        const all = changes.map((change, index) =>
          photoRow({ ...plain, ...change, path: `${index} ${change.path}`, sourceOffset: index }),
        );
        for (let first = 0; first < all.length; first += size) await commitRows(table, all.slice(first, first + size));
        expect((await check(store)).findings).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test("changes nothing in the store", async () => {
    const { store } = await soundTable();
    const refuse = async () => expect.fail("a check reads only");
    const readOnly = { ...store, put: refuse, putIfAbsent: refuse, delete: refuse };
    expect((await check(readOnly)).codes).toEqual([]);
  });

  test("is looked at quickly without reading a data file", async () => {
    const { store } = await soundTable();
    const get: typeof store.get = (location, options) =>
      location.key.endsWith("zstd.parquet") ? expect.fail("a data file was read") : store.get(location, options);
    const { result } = await check({ ...store, get, getRange: async () => expect.fail("a part was read") }, true);
    expect(result).toMatchObject({ rows: 9, errors: 0 });
  });
});

describe("each fault is found by its name", () => {
  const damages: [FindingCode, (made: Awaited<ReturnType<typeof soundTable>>) => Promise<unknown>][] = [
    ["file-missing", ({ store, table }) => store.delete(tableObject(LOCATION, firstFile(table).path))],
    ["file-size", ({ store, table }) => store.put(tableObject(LOCATION, firstFile(table).path), Buffer.from("x"))],
    [
      "file-unreadable",
      ({ store, table }) =>
        store.put(tableObject(LOCATION, firstFile(table).path), Buffer.alloc(firstFile(table).size)),
    ],
    ["row-count", (made) => withStatistics(made, (stats) => ({ ...stats, numRecords: 1 }))],
    ["statistics", (made) => withStatistics(made, (stats) => ({ ...stats, minValues: { path: "t" } }))],
    ["statistics", (made) => withStatistics(made, (stats) => ({ ...stats, maxValues: { source_offset: 3 } }))],
    ["statistics", (made) => withStatistics(made, (stats) => ({ ...stats, nullCount: { label: 2 } }))],
    [
      "statistics",
      (made) => withStatistics(made, (stats) => ({ ...stats, maxValues: { captured_at: "2026-03-01T07:59:30.249Z" } })),
    ],
    ["no-statistics", (made) => withStatistics(made, () => undefined)],
    [
      "repeat",
      ({ table }) => commitRows(table, [photoRow({ ...plain, path: "s3://photos/Apple 6/r0_2.jpg", sourceOffset: 9 })]),
    ],
    [
      "row-beyond-mark",
      async ({ table }) => {
        const adds = await writeRows(table, rowsOf(20, 2));
        await commitRows(table, rowsOf(9, 1), [...adds, ...(await writeRows(table, rowsOf(9, 1)))]);
      },
    ],
    ["basis-missing", ({ table }) => commitRows(table, rowsOf(9, 2, { pcaVersion: 3 }))],
    ["moments", ({ store }) => putMoments(store, 1, rowsOf(0, 4))],
    ["moments", ({ store }) => putMoments(store, 1, rowsOf(1, 5))],
    ["moments", ({ store }) => putMoments(store, 7, rowsOf(0, 9))],
    ["moments-unreadable", ({ store }) => store.put(tableObject(LOCATION, momentsPath(1)), Buffer.from("no"))],
    [
      "orphan",
      ({ store, table }) => store.put(tableObject(LOCATION, `${firstFile(table).path}.orphan`), Buffer.from("x")),
    ],
    [
      "checkpoint-unreadable",
      ({ store }) => putLogFile(store, `${"2".padStart(20, "0")}.checkpoint.parquet`, "no Parquet"),
    ],
  ];

  test.each(damages)("%s", async (code, damage) => {
    const made = await soundTable();
    await damage(made);
    expect((await check(made.store)).codes).toEqual([code]);
  });

  test("checkpoint, and with it what the checkpoint has lost", async () => {
    const { store, table } = await soundTable();
    await putFalseCheckpoint(store, table);
    expect((await check(store)).codes).toEqual(["checkpoint", "orphan"]);
  });

  test("no-offsets", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const adds = await writeRows(table, rowsOf(0, 3));
    await table.commit({ commitId: "a", operation: "WRITE", adds, txns: [], baseTxns: new Map() });
    expect((await check(store)).codes).toEqual(["no-offsets"]);
  });

  test("files that were removed are no orphans", async () => {
    const { store, table } = await soundTable();
    const removes = [firstFile(table)];
    const operation = { name: "DELETE", parameters: {} };
    await table.transact({ commitId: "a", operation, reads: { planned: table.plan() }, removes, adds: [] });
    const { codes, result } = await check(store);
    expect(codes).toEqual(["removed-file"]);
    expect(result).toMatchObject({ removedFiles: 1, orphans: 0, errors: 0 });
  });

  test("moments that agree with their rows are no finding", async () => {
    const { store } = await soundTable();
    await putMoments(store, 1, rowsOf(0, 5));
    await putMoments(store, 2, rowsOf(0, 9).reverse());
    expect((await check(store)).codes).toEqual([]);
  });
});

function firstFile(table: DeltaTable): AddFile {
  return table.snapshot.files.values().next().value!;
}

function momentsPath(version: number): string {
  return `_fruitstream/moments/model=${model}/run=${run}/${String(version).padStart(20, "0")}.moments`;
}

async function putMoments(store: ReturnType<typeof emptyStore>, tableVersion: number, rows: readonly PhotoRow[]) {
  const moments = emptyMoments(8);
  for (const { features } of rows) foldMoments(moments, await momentsOfRows(features, 8, loopKernel));
  const bytes = encodeMoments({ model, run, tableVersion, moments });
  await store.put(tableObject(LOCATION, momentsPath(tableVersion)), bytes);
}

/** Replaces a file's statistics as a tool does that computes them anew, by a commit that adds the same path. */
async function withStatistics(
  { table }: Awaited<ReturnType<typeof soundTable>>,
  change: (stats: Record<string, unknown>) => Record<string, unknown> | undefined,
): Promise<void> {
  const file = firstFile(table);
  const stats = change(JSON.parse(file.stats!));
  const adds = [{ ...file, stats: stats && JSON.stringify(stats) }];
  const operation = { name: "COMPUTE STATS", parameters: {} };
  await table.transact({ commitId: "a", operation, reads: { planned: table.plan() }, adds, dataChange: false });
}

/** A checkpoint that lacks a file, as a writer leaves it that has lost a commit. */
async function putFalseCheckpoint(store: ReturnType<typeof emptyStore>, table: DeltaTable): Promise<void> {
  const snapshot = await readSnapshot(accessOf(store));
  const { path, partitionValues } = firstFile(table);
  const { version, metadata, protocol, files, tombstones, txns, domains } = snapshot;
  const fewer = new Map([...files].filter(([each]) => each !== path));
  expect(partitionValues.run).toBe(run);
  const state = { version, metadata, protocol, files: fewer, tombstones, txns, domains };
  await writeCheckpoint(accessOf(store), state as unknown as typeof snapshot);
}
