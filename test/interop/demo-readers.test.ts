import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDemo } from "#demo/run-demo.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { openStackStore, requireEndpoints } from "#ops/pipeline/endpoints.ts";
import { quietDeps } from "../fakes/quiet-deps.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const PHOTOS = path("../../../shared/fruits360/tiny");
/** An interpreter with the packages of `requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasReaders = spawnSync(python, ["-c", "import deltalake, duckdb, pyarrow"]).status === 0;

type Row = Record<string, unknown>;

describe.skipIf(!hasReaders || !existsSync(PHOTOS))("the table that a demo leaves, as other tools read it", () => {
  let folder: string;
  let ours: Row[];
  let seen: Record<string, Row[]>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "demo-readers-"));
    const exportFolder = join(folder, "table");
    const { origin } = await runDemo(
      {
        photos: PHOTOS,
        model: path("../models/mobilenet_v2"),
        featurizers: 2,
        reducers: 2,
        partitions: 4,
        components: 4,
        outputFolder: folder,
        exportFolder,
      },
      quietDeps(),
    );
    ours = await rowsOnS3(origin!.uri);
    const output = execFileSync(python, [path("./read_rows.py"), exportFolder], { maxBuffer: 256 * 2 ** 20 });
    seen = JSON.parse(output.toString());
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(["delta", "duckdb", "pyarrow"])("has every photo's row (%s)", (reader) => {
    expect(ours).toHaveLength(25);
    expect(seen[reader]!.map(comparable).sort(byPath)).toEqual(ours.map(comparable).sort(byPath));
  });

  it.each(["duckdb", "pyarrow"])("has the same values in every column as in Delta (%s)", (reader) => {
    expect(seen[reader]).toEqual(seen.delta);
  });
});

async function rowsOnS3(tableUri: string): Promise<Row[]> {
  const store = openStackStore(await requireEndpoints(process.env));
  try {
    const table = await openTable(store, parseTableUri(tableUri));
    return (await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file)))).flat();
  } finally {
    store.close();
  }
}

/** What both our reader and JSON give in the same form. */
function comparable(row: Row) {
  const { path, label, photo_etag, width, height, pca_version, source_partition } = row;
  const source_offset = Number(row.source_offset);
  const features = [...(row.features as Iterable<number>)];
  return { path, label, photo_etag, width, height, pca_version, source_partition, source_offset, features };
}

function byPath(a: { path: unknown }, b: { path: unknown }): number {
  return String(a.path) < String(b.path) ? -1 : 1;
}
