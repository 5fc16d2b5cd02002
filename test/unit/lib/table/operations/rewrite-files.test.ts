import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { project } from "#lib/pca/basis.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { utf8Column } from "#lib/table/arrow-columns.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { columnStatistics, statisticsOf } from "#lib/table/delta/column-statistics.ts";
import { openTable } from "#lib/table/open-table.ts";
import { rewriteFiles } from "#lib/table/operations/rewrite-files.ts";
import { encodeColumns } from "#lib/table/parquet-file.ts";
import { PHOTO_COLUMNS } from "#lib/table/photo-columns.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { readColumns } from "#lib/table/read-columns.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { propertyRuns } from "../../../../property-runs.ts";
import { photoRow } from "../photo-rows.ts";
import { accessOf, emptyStore, LOCATION } from "../table-fixtures.ts";
import { basisOf } from "./basis-of.ts";

describe("rewriting files", () => {
  it("keeps rows, their order and all values, with the statistics of the rows", async () => {
    const { access, metadata } = await tableOf();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(rows, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (files) => {
          const adds = (await Promise.all(files.map((some) => writeRows(access, some)))).flat();
          const add = (await rewriteFiles(access, metadata, adds))!;
          expect(await readRows(access, add)).toEqual(
            (await Promise.all(adds.map((one) => readRows(access, one)))).flat(),
          );
          expect(JSON.parse(add.stats!)).toEqual(JSON.parse(columnStatistics(files.flat())));
        },
      ),
      propertyRuns(30),
    );
  });

  it("leaves out the rows that go, wherever they stand", async () => {
    const { access, metadata } = await tableOf();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async (stays) => {
        const all = stays.map((_, sourceOffset) => photoRow({ sourceOffset }));
        const [file] = await writeRows(access, all);
        const drops = new Map([[file!.path, new Set(stays.flatMap((stay, row) => (stay ? [] : row)))]]);
        const add = await rewriteFiles(access, metadata, [file!], { drops });
        const kept = all.filter((_, row) => stays[row]);
        if (kept.length === 0) {
          expect(add).toBeUndefined();
          return;
        }
        expect((await readRows(access, add!, ["source_offset"])).map((row) => row.source_offset)).toEqual(
          kept.map(({ sourceOffset }) => sourceOffset),
        );
        expect(JSON.parse(add!.stats!)).toEqual(JSON.parse(columnStatistics(kept)));
      }),
      propertyRuns(30),
    );
  });

  it("projects rows of other bases onto the given one, and leaves those alone that have no such vector", async () => {
    const { access, metadata } = await tableOf();
    const basis = basisOf(8, 3, 7);
    const all = [
      photoRow({ sourceOffset: 1 }),
      photoRow({ sourceOffset: 2, pcaVersion: 7, pcaFeatures: Float32Array.of(1, 2, 3) }),
      photoRow({ sourceOffset: 3, pcaVersion: null, pcaFeatures: null }),
      photoRow({ sourceOffset: 4, features: Float32Array.of(1, 2) }),
    ];
    const [file] = await writeRows(access, all);
    const add = (await rewriteFiles(access, metadata, [file!], { basis }))!;
    const written = await readRows(access, add, ["pca_version", "pca_features"]);
    expect(written.map((row) => row.pca_version)).toEqual([7, 7, 7, 1]);
    expect(written[0]!.pca_features).toEqual(project(basis, all[0]!.features));
    expect(written[1]!.pca_features).toEqual(Float32Array.of(1, 2, 3));
    expect(written[2]!.pca_features).toEqual(project(basis, all[2]!.features));
    expect(written[3]!.pca_features).toEqual(all[3]!.pcaFeatures);
    expect(statisticsOf(add)).toMatchObject({ minValues: { pca_version: 1 }, maxValues: { pca_version: 7 } });
  });

  it("keeps a column that another tool has added, and fills in those that a file is too old for", async () => {
    const { access, metadata, store } = await tableOf();
    const [newer] = await writeRows(access, [photoRow({ sourceOffset: 1 })]);
    const older = await olderFile(store, [photoRow({ sourceOffset: 2 })], newer!, "blurred");
    const schema = JSON.parse(metadata.schemaString);
    schema.fields.push({ name: "remark", type: "string", nullable: true, metadata: {} });
    const add = (await rewriteFiles(access, { ...metadata, schemaString: JSON.stringify(schema) }, [newer!, older]))!;
    expect(await readRows(access, add, ["source_offset", "captured_at_source", "remark"])).toEqual([
      { source_offset: 1, captured_at_source: "exif", remark: null },
      { source_offset: 2, captured_at_source: null, remark: "blurred" },
    ]);
  });

  it("refuses a column whose type it can't copy, by its name", async () => {
    const { access, metadata } = await tableOf();
    const [file] = await writeRows(access, [photoRow()]);
    const schema = JSON.parse(metadata.schemaString);
    schema.fields.push({ name: "price", type: "decimal(10,2)", nullable: true, metadata: {} });
    const other = { ...metadata, schemaString: JSON.stringify(schema) };
    await expect(rewriteFiles(access, other, [file!])).rejects.toThrow(/column "price" is of type "decimal\(10,2\)"/);
  });

  it("gathers small files in row groups of a reader's size", async () => {
    const { access, metadata } = await tableOf();
    const features = new Float32Array(1);
    const many = (count: number) => Array.from({ length: count }, () => photoRow({ features }));
    const adds = [...(await writeRows(access, many(3_000))), ...(await writeRows(access, many(1_200)))];
    const add = (await rewriteFiles(access, metadata, adds))!;
    const groups: number[] = [];
    for await (const group of readColumns(access, add, ["path"])) groups.push(group.length);
    expect(groups).toEqual([4_096, 104]);
  });
});

const rows: fc.Arbitrary<PhotoRow> = fc
  .record({
    sourceOffset: fc.nat(),
    label: fc.option(fc.string({ unit: "grapheme", maxLength: 40 })),
    pcaVersion: fc.option(fc.integer({ min: 1, max: 9 })),
    captured: fc.integer({ min: -1e12, max: 4e12 }),
    capturedAtSource: fc.constantFrom("exif", null),
    predictions: fc.option(fc.constant([{ label: "Pear", score: 0.5 }])),
  })
  .map(({ captured, ...row }) =>
    photoRow({ ...row, capturedAtMs: captured, ingestedAtMs: Date.parse("2026-03-01T07:59:30.250Z") }),
  );

async function tableOf() {
  const store = emptyStore();
  const table = await openTable(store, LOCATION, { createIfAbsent: true });
  return { store, access: accessOf(store), metadata: table.snapshot.metadata };
}

/** As a version wrote it that knew no source of capture times, with a column of another tool. */
async function olderFile(store: ObjectStore, rowsOfFile: PhotoRow[], like: AddFile, remark: string): Promise<AddFile> {
  const columns = PHOTO_COLUMNS.filter(({ addedLater }) => !addedLater).map(
    ({ name, encode }) => [name, encode(rowsOfFile)] as const,
  );
  const bytes = encodeColumns({ ...Object.fromEntries(columns), remark: utf8Column(rowsOfFile.map(() => remark)) }, []);
  const path = like.path.replace("part-", "part-older-");
  await store.put(tableObject(LOCATION, path), bytes);
  return { ...like, path, size: bytes.byteLength };
}
