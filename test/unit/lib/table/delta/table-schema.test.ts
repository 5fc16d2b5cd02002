import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { Metadata } from "#lib/table/delta/actions.ts";
import { writeCheckpoint } from "#lib/table/delta/checkpoint.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { evolvedMetadata } from "#lib/table/delta/table-schema.ts";
import { openTable } from "#lib/table/open-table.ts";
import { PHOTO_COLUMNS, type PhotoColumn } from "#lib/table/photo-columns.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { propertyRuns } from "../../../../property-runs.ts";
import { CAMERA_COLUMN, LATER_COLUMNS } from "../added-column.ts";
import { photoRow } from "../photo-rows.ts";
import { accessOf, emptyStore, LOCATION, logName, putLogFile, requestOf } from "../table-fixtures.ts";

const openAs = (store: ObjectStore, columns: readonly PhotoColumn[]) =>
  openTable(store, LOCATION, { createIfAbsent: true, columns });

/** Commits one row of a source offset of its own. */
async function commitRow(table: DeltaTable, sourceOffset: number) {
  const adds = await writeRows(table, [photoRow({ sourceOffset })]);
  return table.commit(requestOf(table, [`app ${sourceOffset}`], adds));
}

/** By source offset, what a process that knows these columns reads of the added one. */
async function camerasIn(store: ObjectStore, columns = LATER_COLUMNS): Promise<unknown[]> {
  const table = await openTable(store, LOCATION, { columns });
  const rows = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file)));
  const byOffset = new Map(rows.flat().map((row) => [row.source_offset, row.camera_model]));
  return [...byOffset].sort(([a], [b]) => Number(a) - Number(b)).map(([, camera]) => camera);
}

const namesIn = ({ schemaString }: Metadata): string[] =>
  JSON.parse(schemaString).fields.map(({ name }: { name: string }) => name);

describe("a column that a later version adds", () => {
  it("comes with that version's first commit, old rows read null, and nothing else of the table changes", async () => {
    const store = emptyStore();
    const before = await openAs(store, PHOTO_COLUMNS);
    await commitRow(before, 0);
    const later = await openAs(store, LATER_COLUMNS);
    expect(later.snapshot.version).toBe(1);
    expect(await commitRow(later, 1)).toMatchObject({ outcome: "committed", version: 2 });
    expect(await camerasIn(store)).toEqual([null, "camera 1"]);

    const { metadata } = later.snapshot;
    expect(namesIn(metadata)).toEqual([...namesIn(before.snapshot.metadata), "camera_model"]);
    expect({ ...metadata, schemaString: "" }).toEqual({ ...before.snapshot.metadata, schemaString: "" });
    await commitRow(later, 2);
    expect(await metadataCommits(store)).toEqual([0, 2]);
  });

  it("is added once by two writers at the same time, and each commits its rows", async () => {
    const store = emptyStore();
    await commitRow(await openAs(store, PHOTO_COLUMNS), 0);
    const writers = await Promise.all([1, 2, 3].map(() => openAs(store, LATER_COLUMNS)));
    const results = await Promise.all(writers.map((table, index) => commitRow(table, index + 1)));
    expect(results.map(({ outcome }) => outcome)).toEqual(["committed", "committed", "committed"]);
    expect(await metadataCommits(store)).toHaveLength(2);
    expect(await camerasIn(store)).toEqual([null, "camera 1", "camera 2", "camera 3"]);
  });

  it("stays when two versions add different ones at the same time", async () => {
    const store = emptyStore();
    await openAs(store, PHOTO_COLUMNS);
    const lens = { ...CAMERA_COLUMN, name: "lens" };
    const tables = [await openAs(store, LATER_COLUMNS), await openAs(store, [...PHOTO_COLUMNS, lens])];
    await Promise.all(tables.map((table, index) => commitRow(table, index)));
    const { metadata } = await readSnapshot(accessOf(store));
    expect(namesIn(metadata).slice(-2).sort()).toEqual(["camera_model", "lens"]);
  });

  it("is in a table that the later version creates", async () => {
    const store = emptyStore();
    await commitRow(await openAs(store, LATER_COLUMNS), 0);
    expect(await metadataCommits(store)).toEqual([0]);
    expect(await camerasIn(store)).toEqual(["camera 0"]);
  });

  it("is read as null of a table that nobody has added it to", async () => {
    const store = emptyStore();
    await commitRow(await openAs(store, PHOTO_COLUMNS), 0);
    expect(await camerasIn(store)).toEqual([null]);
  });

  it("is captured_at_source, for tables of version 0.1", async () => {
    const store = emptyStore();
    const first = PHOTO_COLUMNS.filter(({ addedLater }) => !addedLater);
    await commitRow(await openAs(store, first), 0);
    const table = await openAs(store, PHOTO_COLUMNS);
    await commitRow(table, 1);
    expect(namesIn(table.snapshot.metadata)).toContain("captured_at_source");
    const rows = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file)));
    const sources = rows.flat().map((row) => [row.source_offset, row.captured_at_source]);
    expect(new Map(sources as [number, string | null][])).toEqual(
      new Map([
        [0, null],
        [1, "exif"],
      ]),
    );
  });

  it("survives a checkpoint", async () => {
    const store = emptyStore();
    await commitRow(await openAs(store, LATER_COLUMNS), 0);
    await writeCheckpoint(accessOf(store), await readSnapshot(accessOf(store)));
    await store.delete({ bucket: LOCATION.bucket, key: `${LOCATION.prefix}/_delta_log/${logName(0)}` });
    expect(namesIn((await readSnapshot(accessOf(store))).metadata)).toContain("camera_model");
  });

  it("has statistics, in the files that have it", async () => {
    const store = emptyStore();
    const [add] = await writeRows(await openAs(store, LATER_COLUMNS), [photoRow({ sourceOffset: 4 })]);
    expect(JSON.parse(add!.stats!)).toMatchObject({
      minValues: { camera_model: "camera 4" },
      nullCount: { camera_model: 0 },
    });
  });
});

describe("the version before, while services are upgraded one by one", () => {
  it("goes on writing rows of which the new column is null, and leaves the schema alone", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), async (writers) => {
        const store = emptyStore();
        const old = await openAs(store, PHOTO_COLUMNS);
        const later = await openAs(store, LATER_COLUMNS);
        for (const [offset, isLater] of writers.entries()) {
          expect(await commitRow(isLater ? later : old, offset)).toMatchObject({ outcome: "committed" });
        }
        expect(await camerasIn(store)).toEqual(writers.map((isLater, offset) => (isLater ? `camera ${offset}` : null)));
        expect(await metadataCommits(store)).toHaveLength(writers.includes(true) ? 2 : 1);
      }),
      propertyRuns(25),
    );
  });
});

describe("a schema that doesn't fit", () => {
  const field = (name: string, type: unknown, nullable = true) => ({ name, type, nullable, metadata: {} });
  type Field = ReturnType<typeof field>;
  const cases: { name: string; change: (fields: Field[]) => Field[]; problem: RegExp }[] = [
    {
      name: "another type",
      change: (fields) => fields.map((old) => (old.name === "width" ? field("width", "long") : old)),
      problem: /column "width" must be "integer", got "long"/,
    },
    {
      name: "another element type",
      change: (fields) =>
        fields.map((old) =>
          old.name === "features"
            ? field("features", { type: "array", elementType: "double", containsNull: true })
            : old,
        ),
      problem: /column "features" must be \{.*float.*, got \{.*double/,
    },
    {
      name: "a new column that must not be null",
      change: (fields) => [...fields, field("owner", "string", false)],
      problem: /column "owner" must be nullable/,
    },
    {
      name: "a column missing",
      change: (fields) => fields.filter(({ name }) => name !== "photo_etag"),
      problem: /column "photo_etag" must be "string", got none/,
    },
    {
      name: "another type of the added column",
      change: (fields) => [...fields, field("camera_model", "long")],
      problem: /column "camera_model" must be "string", got "long"/,
    },
    {
      name: "a name that differs in case",
      change: (fields) => [...fields, field("Camera_Model", "string")],
      problem: /column "camera_model" must be "string", got one of the name "Camera_Model"/,
    },
  ];

  it.each(cases)("is refused by the column's name, before and after the table was opened: $name", async (example) => {
    const store = emptyStore();
    const table = await openAs(store, LATER_COLUMNS);
    const { metadata } = table.snapshot;
    // The first version has no such column: what is tried with it is the change alone.
    const schema = JSON.parse(metadata.schemaString) as { fields: Field[] };
    const original = schema.fields.filter(({ name }) => name !== "camera_model");
    const changed = { ...metadata, schemaString: JSON.stringify({ ...schema, fields: example.change(original) }) };
    await putLogFile(store, logName(1), `${JSON.stringify({ metaData: changed })}\n`);
    const refusal = { code: "invalid-table", message: expect.stringMatching(example.problem) };
    await expect(commitRow(table, 0)).rejects.toMatchObject(refusal);
    await expect(openAs(store, LATER_COLUMNS)).rejects.toMatchObject(refusal);
    expect((await readSnapshot(accessOf(store))).version).toBe(1);
  });

  it("may note what it likes beside a column, and have columns of its own", async () => {
    const { metadata } = (await openAs(emptyStore(), PHOTO_COLUMNS)).snapshot;
    const schema = JSON.parse(metadata.schemaString) as { fields: Field[] };
    const fields = schema.fields.map((old) => ({ ...old, metadata: { comment: "seen" } }));
    const elements = { containsNull: false, elementType: "float", type: "array" };
    const noted = fields.map((old) => (old.name === "features" ? { ...old, type: elements } : old));
    const schemaString = JSON.stringify({ type: "struct", fields: [field("owner", "string"), ...noted] });
    expect(evolvedMetadata({ ...metadata, schemaString }, PHOTO_COLUMNS, "s3://b/t")).toBeUndefined();
  });

  it("that is none at all is refused too", async () => {
    const { metadata } = (await openAs(emptyStore(), PHOTO_COLUMNS)).snapshot;
    for (const schemaString of ["", "{}", '{"fields":[{}]}', "null"]) {
      expect(() => evolvedMetadata({ ...metadata, schemaString }, PHOTO_COLUMNS, "s3://b/t")).toThrow(
        /not one of Delta/,
      );
    }
  });
});

/** The versions whose commit has a metaData action. */
async function metadataCommits(store: ObjectStore): Promise<number[]> {
  const { version } = await readSnapshot(accessOf(store));
  const versions = Array.from({ length: version + 1 }, (_, index) => index);
  const texts = await Promise.all(
    versions.map(async (number) => {
      const key = `${LOCATION.prefix}/_delta_log/${logName(number)}`;
      return Buffer.from((await store.get({ bucket: LOCATION.bucket, key }, { bytesMax: 2 ** 20 })).bytes).toString();
    }),
  );
  return versions.filter((number) => texts[number]!.includes('"metaData"'));
}
