import { describe, expect, it } from "vitest";
import { type AddFile, serialiseActions } from "#lib/table/delta/actions.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { photoRow } from "./photo-rows.ts";
import { accessOf, emptyStore, LOCATION, logName, putLogFile } from "./table-fixtures.ts";

describe("data files", () => {
  const rows: PhotoRow[] = Array.from({ length: 100 }, (_, sourceOffset) =>
    photoRow({
      sourceOffset,
      run: sourceOffset % 5 === 0 ? "replay 1" : "live",
      capturedAtMs: Date.parse("2026-03-01T22:00:00Z") + sourceOffset * 90_000,
    }),
  );

  it("are one a partition, with the partition's values and in the order of the rows", async () => {
    const access = { ...accessOf(emptyStore()), partitioning: { by: "hour", time: "capture" } as const };
    const files = await writeRows(access, rows);
    expect(files.map(({ partitionValues: { run, dt, hour } }) => `${run} ${dt} ${hour}`).sort()).toEqual([
      "live 2026-03-01 22",
      "live 2026-03-01 23",
      "live 2026-03-02 0",
      "replay 1 2026-03-01 22",
      "replay 1 2026-03-01 23",
      "replay 1 2026-03-02 0",
    ]);
    const late = files.find(({ path }) => path.includes("/run=live/dt=2026-03-02/hour=00/part-"))!;
    expect(await readRows(access, late, ["source_offset"])).toEqual(
      rows
        .filter(({ run, sourceOffset }) => run === "live" && sourceOffset >= 80)
        .map(({ sourceOffset }) => ({ source_offset: sourceOffset })),
    );
    expect(JSON.parse(late.stats!).minValues.source_offset).toBe(81);
  });

  it("hold every row once, with no more than fileRowsMax in a file", async () => {
    const access = accessOf(emptyStore());
    const files = await writeRows(access, rows, { fileRowsMax: 7 });
    const offsets: unknown[] = [];
    for (const file of files) {
      const found = await readRows(access, file, ["source_offset"]);
      expect(found.length).toBeLessThanOrEqual(7);
      offsets.push(...found.map((row) => row.source_offset));
    }
    expect(offsets.sort((a, b) => Number(a) - Number(b))).toEqual(rows.map(({ sourceOffset }) => sourceOffset));
    expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
  });

  it("have statistics of so many leading columns as the table asks for", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const { metadata } = table.snapshot;
    const configuration = { ...metadata.configuration, "delta.dataSkippingNumIndexedCols": "2" };
    await putLogFile(store, logName(1), serialiseActions([{ metaData: { ...metadata, configuration } }]));
    const before = await writeRows(table, [photoRow()]);
    await table.advance();
    const after = await writeRows(table, [photoRow()]);
    const columnsOf = ([file]: AddFile[]) => Object.keys(JSON.parse(file!.stats!).minValues);
    expect(columnsOf(before).length).toBeGreaterThan(5);
    expect(columnsOf(after)).toEqual(["path", "label"]);
  });

  it("are none for no rows, and none when one row has no partition", async () => {
    const store = emptyStore();
    expect(await writeRows(accessOf(store), [])).toEqual([]);
    const bad = writeRows(accessOf(store), [photoRow(), photoRow({ capturedAtMs: Number.NaN })]);
    await expect(bad).rejects.toMatchObject({ code: "poison-message" });
    for await (const { key } of store.list(LOCATION.bucket, "")) expect.fail(`${key} was written`);
  });
});
