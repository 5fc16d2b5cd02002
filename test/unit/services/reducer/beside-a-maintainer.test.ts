import { beforeEach, expect, test } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { compactTable } from "#lib/table/operations/compact-table.ts";
import { DEFAULT_COMPACTION } from "#lib/table/operations/plan-compaction.ts";
import { vacuumTable } from "#lib/table/operations/vacuum-table.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";
import { allRows, append, DAY_MS } from "../../lib/table/operations/maintained-table.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { featuresRecord, handDrivenReducer, location } from "./hand-driven-reducer.ts";

const SUBJECT = { model: "m-0123456789ab", run: "live" };

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryObjectStore([location.bucket]);
});

test("a reducer beside compaction keeps its offsets, what it knows of photo versions, and its moments", async () => {
  const first = Array.from({ length: 6 }, (_, offset) => featuresRecord(0, offset));
  // The same photos, announced once more; and two new ones.
  const again = first.map((_, index) => featuresRecord(0, 6 + index, 6 + index, { key: `0/${index}.jpg` }));
  const later = [12, 13].map((offset) => featuresRecord(0, offset));
  const records = [...first, ...again, ...later];
  const reducer = await handDrivenReducer(store, [records], 1);
  const maintainer = await openTable(store, location);
  await reducer.assign([0]);
  await reducer.read(0, 4);
  expect(await compactNow(maintainer)).toMatchObject({ commits: 1, removedFiles: 4 });
  await reducer.read(0, 5);
  expect(await compactNow(maintainer)).toMatchObject({ commits: 1, removedFiles: 3 });
  await reducer.assign([0]);
  await reducer.read(0, 3);
  // One that starts anew after the removed files are gone reads what it needs from those that are there.
  await vacuumTable({ ...maintainer, store, location, logger: maintainer.logger, clock: inYears(1) });
  const fresh = await handDrivenReducer(store, [records], 1);
  await fresh.assign([0]);
  await fresh.read(0, records.length);

  const rows = await allRows(maintainer);
  expect(rows.map((row) => row.source_offset)).toEqual([0, 1, 2, 3, 4, 5, 12, 13]);
  const moments = await TableMoments.load(maintainer, SUBJECT, 3, loopKernel);
  await moments.catchUp(maintainer.snapshot.version);
  expect(moments.moments.count).toBe(8);
  expect(moments.moments.mean[0]).toBeCloseTo((0 + 1 + 2 + 3 + 4 + 5 + 12 + 13) / 8, 12);
});

test("moments count no row of a compacted file twice, whether they see the commits or catch up with them", async () => {
  const subject = { model: "m", run: "live" };
  const table = await openTable(store, location, { createIfAbsent: true });
  const features = (value: number) => Float32Array.of(value, 1);
  await append(table, [photoRow({ ...subject, features: features(1) })]);
  const [watching, sleeping] = [await loadMoments(table, subject), await loadMoments(table, subject)];
  await append(table, [photoRow({ ...subject, sourceOffset: 1, features: features(2) })]);
  await watching.catchUp(table.snapshot.version);
  await compactNow(table);
  await watching.catchUp(table.snapshot.version);
  await append(table, [photoRow({ ...subject, sourceOffset: 2, features: features(3) })]);
  for (const moments of [watching, sleeping]) {
    await moments.catchUp(table.snapshot.version);
    expect(moments.moments.count).toBe(3);
    expect(moments.moments.mean[0]).toBeCloseTo(2, 12);
  }
});

function loadMoments(table: Awaited<ReturnType<typeof openTable>>, subject: { model: string; run: string }) {
  return TableMoments.load(table, subject, 2, loopKernel);
}

function compactNow(table: Awaited<ReturnType<typeof openTable>>) {
  return compactTable(table, { ...DEFAULT_COMPACTION, quietMs: 0 });
}

function inYears(years: number) {
  return { ...systemClock, nowMs: () => Date.now() + years * 365 * DAY_MS };
}
