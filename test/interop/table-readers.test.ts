import { execFileSync, spawnSync } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readFeatures } from "#lib/table/feature-vectors.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { exportTable } from "#lib/table/table-export.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { createMemoryObjectStore } from "../fakes/memory-object-store.ts";

/** An interpreter with the packages of `requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasReaders = spawnSync(python, ["-c", "import deltalake, duckdb, pyarrow"]).status === 0;
if (!hasReaders) {
  console.warn(`SKIPPED test/interop: ${python} lacks deltalake, duckdb or pyarrow; set FRUITSTREAM_PYTHON`);
}

const LOCATION = { bucket: "tables", prefix: "photos" };
const COMMITS = 13;
const ROWS = 3_000;

describe.skipIf(!hasReaders)("a table, as other tools read it", () => {
  const store = createMemoryObjectStore([LOCATION.bucket]);
  const rows = Array.from({ length: ROWS }, (_, index) => rowOf(index));
  const expected = rows.map(asRead).sort(byPosition);
  let folder: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the script prints is what is being tested.
  let seen: any;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "table-readers-"));
    const table = await openTable(store, LOCATION, {
      createIfAbsent: true,
      partitioning: { by: "hour", time: "capture" },
    });
    for (let commit = 0; commit < COMMITS; commit++) await commitPart(table, commit, rows);
    await exportTable(table, join(folder, "table"));
    await cp(join(folder, "table"), join(folder, "cleaned"), { recursive: true });
    for (let version = 0; version <= 10; version++) {
      await rm(join(folder, "cleaned", "_delta_log", `${String(version).padStart(20, "0")}.json`));
    }
    const script = fileURLToPath(new URL("./read_table.py", import.meta.url));
    const output = execFileSync(python, [script, join(folder, "table"), join(folder, "cleaned")], {
      maxBuffer: 256 * 2 ** 20,
    });
    seen = JSON.parse(output.toString());
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(["delta", "duckdb", "pyarrow", "cleaned"])("has the rows that were written (%s)", (reader) => {
    expect(seen[reader].rows).toEqual(expected);
  });

  it("has the designed types, protocol and partition columns in Delta", () => {
    const types = Object.fromEntries(
      seen.delta.schema.fields.map((field: { name: string; type: unknown }) => [field.name, field.type]),
    );
    const floats = { type: "array", elementType: "float", containsNull: true };
    expect(types).toMatchObject({
      path: "string",
      label: "string",
      features: floats,
      pca_features: floats,
      pca_version: "integer",
      predictions: {
        type: "array",
        elementType: {
          fields: [
            { name: "label", type: "string" },
            { name: "score", type: "float" },
          ],
        },
      },
      photo_etag: "string",
      width: "integer",
      captured_at: "timestamp",
      source_partition: "integer",
      source_offset: "long",
      captured_at_source: "string",
      model: "string",
      run: "string",
      dt: "date",
      hour: "integer",
    });
    expect(seen.delta).toMatchObject({ protocol: [1, 2], partition_columns: ["model", "run", "dt", "hour"] });
  });

  it("has the designed types in its files", () => {
    expect(seen.pyarrow.types).toMatchObject({
      features: "list<element: float>",
      predictions: "list<element: struct<label: string, score: float>>",
      pca_version: "int32",
      captured_at: "timestamp[us, tz=UTC]",
      source_partition: "int32",
      source_offset: "int64",
      hour: "int32",
    });
    expect(seen.duckdb.types).toMatchObject({
      features: "FLOAT[]",
      predictions: 'STRUCT("label" VARCHAR, score FLOAT)[]',
      captured_at: "TIMESTAMP WITH TIME ZONE",
      dt: "DATE",
      hour: "INTEGER",
    });
  });

  it("has versions, history and the applications' offsets", () => {
    expect(seen.delta).toMatchObject({
      version: COMMITS,
      offsets: COMMITS,
      rows_of_version_2: 2 * Math.ceil(ROWS / COMMITS),
    });
    expect(seen.delta.operations).toEqual([...Array(COMMITS).fill("STREAMING UPDATE"), "CREATE TABLE"]);
    expect(seen.cleaned).toMatchObject({ version: COMMITS, offsets: COMMITS });
  });

  it("lets readers skip files by partition", () => {
    const { files, files_of_hour, files_of_run } = seen.delta;
    expect(files_of_hour).toBeGreaterThan(0);
    expect(files_of_hour).toBeLessThan(files / 2);
    expect(files_of_run).toBeGreaterThan(0);
    expect(files_of_run).toBeLessThan(files / 2);
    expect(seen.pyarrow).toMatchObject({ files, files_of_hour });
    expect(seen.duckdb.plan_of_hour).toMatch(new RegExp(`Scanning Files: ${files_of_hour}/${files}`));
  });

  it("lets readers skip files and row groups by statistics", () => {
    const { files, files_of_offsets, files_of_time, rows_of_offsets, records, offset_bounds } = seen.delta;
    expect(files_of_offsets).toBeLessThan(files / 4);
    expect(files_of_time).toBeLessThan(files / 2);
    expect(rows_of_offsets).toBe(rows.filter(({ sourceOffset }) => sourceOffset < 100).length);
    expect({ records, offset_bounds }).toEqual({ records: ROWS, offset_bounds: [0, ROWS - 1] });
    expect(seen.pyarrow.row_groups_of_offsets).toBe(files_of_offsets);
  });

  it("is read back after delta-rs compacted it and wrote a checkpoint", async () => {
    const copy = createMemoryObjectStore([LOCATION.bucket]);
    const entries = await readdir(join(folder, "cleaned"), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((candidate) => candidate.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const key = path.replace(join(folder, "cleaned"), LOCATION.prefix);
      await copy.put({ bucket: LOCATION.bucket, key }, await readFile(path));
    }
    const table = await openTable(copy, LOCATION);
    expect(table.snapshot.version).toBe(seen.cleaned.compacted_version);
    expect(table.snapshot.files.size).toBe(seen.cleaned.compacted_files);
    expect(table.snapshot.txnVersions.get("offsets live/0")).toBe(COMMITS);
    const access = { store: copy, location: LOCATION, logger: silentLogger, clock: systemClock };
    const vectors = new Map<unknown, Float32Array>();
    for (const file of table.snapshot.files.values()) {
      const positions = await readRows(access, file, ["source_offset"]);
      let row = 0;
      for await (const { rows: count, dimensions, values } of readFeatures(access, file, 16)) {
        for (let at = 0; at < count * dimensions; at += dimensions) {
          vectors.set(positions[row++]?.source_offset, values.subarray(at, at + dimensions));
        }
      }
    }
    expect(vectors).toEqual(new Map(rows.map(({ sourceOffset, features }) => [sourceOffset, features])));
  });
});

function rowOf(index: number): PhotoRow {
  const capturedAtMs = Date.parse("2026-03-01T06:00:00.000Z") + Math.floor((index / ROWS) * 20 * 3_600_000);
  return {
    model: "mobilenet_v2-0a1b2c3d",
    run: index % 10 === 0 ? "replay 50%" : "live",
    path: `s3://photos/Früchte & Co/${index}.jpg`,
    label: index % 7 === 0 ? null : `Apple ${index % 7}`,
    features: Float32Array.from({ length: 16 }, (_, dimension) => Math.sin(index + dimension)),
    pcaFeatures: index < 500 ? null : Float32Array.of(index, -index),
    pcaVersion: index < 500 ? null : 1 + (index >> 10),
    predictions:
      index % 3 === 0
        ? null
        : [
            { label: "Granny Smith", score: 0.5 },
            { label: "fig", score: 0.25 },
          ],
    photoEtag: `etag ${index}`,
    widthPx: 100 + (index % 5),
    heightPx: 100,
    capturedAtMs,
    capturedAtSource: index % 2 ? "exif" : null,
    ingestedAtMs: capturedAtMs + 1,
    featurizedAtMs: capturedAtMs + 999,
    sourcePartition: index % 4,
    sourceOffset: index,
  };
}

async function commitPart(table: DeltaTable, commit: number, rows: readonly PhotoRow[]): Promise<void> {
  const size = Math.ceil(ROWS / COMMITS);
  const appId = "offsets live/0";
  const result = await table.commit({
    commitId: `commit ${commit}`,
    operation: "STREAMING UPDATE",
    adds: await writeRows(table, rows.slice(commit * size, (commit + 1) * size)),
    txns: [{ appId, version: commit + 1 }],
    baseTxns: new Map([[appId, table.snapshot.txnVersions.get(appId)]]),
  });
  expect(result).toMatchObject({ outcome: "committed", version: commit + 1 });
}

function asRead(row: PhotoRow) {
  const iso = new Date(row.capturedAtMs).toISOString();
  return {
    model: row.model,
    run: row.run,
    dt: iso.slice(0, 10),
    hour: Number(iso.slice(11, 13)),
    path: row.path,
    label: row.label,
    features: [...row.features],
    pca_features: row.pcaFeatures && [...row.pcaFeatures],
    pca_version: row.pcaVersion,
    predictions: row.predictions,
    photo_etag: row.photoEtag,
    width: row.widthPx,
    height: row.heightPx,
    captured_at: row.capturedAtMs,
    ingested_at: row.ingestedAtMs,
    featurized_at: row.featurizedAtMs,
    source_partition: row.sourcePartition,
    source_offset: row.sourceOffset,
    captured_at_source: row.capturedAtSource,
  };
}

function byPosition(a: ReturnType<typeof asRead>, b: ReturnType<typeof asRead>): number {
  return a.run === b.run ? a.source_offset - b.source_offset : a.run < b.run ? -1 : 1;
}
