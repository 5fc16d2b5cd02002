import { beforeEach, expect, test } from "vitest";
import { computeBasis } from "#lib/pca/basis.ts";
import { momentsOfRows } from "#lib/pca/moments.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { SubjectBases } from "#services/reducer/subject-bases.ts";
import { VectorLengths } from "#services/reducer/vector-lengths.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION, requestOf } from "../../lib/table/table-fixtures.ts";

const SUBJECT = { model: "m", run: "live" };

let store: ObjectStore;
let table: DeltaTable;
beforeEach(async () => {
  store = emptyStore();
  table = await openTable(store, LOCATION, { createIfAbsent: true });
});

test("is that of the table's rows of the model, of its run first, past files in which no row has a vector", async () => {
  await append({ ...photoRow({ model: "m", run: "older" }), features: new Float32Array(5) });
  expect(await lengths().of({ model: "m", run: "new" })).toBe(5);
  await append({ ...photoRow({ model: "m" }), features: null as never });
  await append({ ...photoRow({ model: "m" }), features: new Float32Array(6) });
  expect(await lengths().of(SUBJECT)).toBe(6);
  expect(await lengths().of({ model: "another", run: "live" })).toBeUndefined();
});

test("is that of the basis, whatever others have written into the table", async () => {
  const bases = new SubjectBases(table, loopKernel, 2);
  const moments = await momentsOfRows(Float32Array.of(1, 2, 3, 4, 5, 7), 3, loopKernel);
  await bases.publish(SUBJECT, await computeBasis(moments, 2, loopKernel));
  await append({ ...photoRow({ model: "m" }), features: new Float32Array(6) });
  expect(await lengths().of(SUBJECT)).toBe(3);
});

test("is asked for once", async () => {
  await append({ ...photoRow({ model: "m" }), features: new Float32Array(6) });
  const known = lengths();
  expect(known.known(SUBJECT)).toBeUndefined();
  await known.of(SUBJECT);
  for await (const { key } of store.list(LOCATION.bucket, "")) await store.delete({ bucket: LOCATION.bucket, key });
  expect(await known.of(SUBJECT)).toBe(6);
  expect(known.known(SUBJECT)).toBe(6);
});

function lengths(): VectorLengths {
  return new VectorLengths(table, new SubjectBases(table, loopKernel, 2), { components: 2, valuesMax: 100 });
}

async function append(row: PhotoRow): Promise<void> {
  await table.commit(requestOf(table, [], await writeRows(table, [row])));
}
