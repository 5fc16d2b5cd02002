import { expect, test } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { readColumns } from "#lib/table/read-columns.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { photoRow } from "./photo-rows.ts";

const COLUMNS = ["path", "photo_etag", "label", "source_partition", "source_offset", "ingested_at"];

/** Keeps count of the bytes that are asked for. */
function world() {
  const memory = createMemoryObjectStore(["b"]);
  const read = { bytes: 0 };
  const store: typeof memory = {
    ...memory,
    get: async (...given) => {
      const object = await memory.get(...given);
      read.bytes += object.bytes.byteLength;
      return object;
    },
    getRange: async (...given) => {
      const bytes = await memory.getRange(...given);
      read.bytes += bytes.byteLength;
      return bytes;
    },
  };
  const access = { store, location: { bucket: "b", prefix: "t" }, logger: silentLogger, clock: systemClock };
  return { access, read };
}

async function collect(rows: AsyncIterable<Record<string, unknown>[]>) {
  const groups: Record<string, unknown>[][] = [];
  for await (const group of rows) groups.push(group);
  return groups;
}

test.each([3, 5_000])("%s rows come back, of a large file without its vectors", async (count) => {
  const { access, read } = world();
  const rows = Array.from({ length: count }, (_, index) =>
    photoRow({
      sourceOffset: index,
      path: `s3://photos/Äpfel/${index}.jpg`,
      label: index % 2 ? "Äpfel" : null,
      photoEtag: `${index}-etag`,
      sourcePartition: index % 7,
      features: Float32Array.from({ length: 64 }, (_, at) => Math.sin(index * 64 + at)),
    }),
  );
  const [file] = await writeRows(access, rows, { fileRowsMax: count });
  const groups = await collect(readColumns(access, file!, COLUMNS));
  expect(groups.flat()).toEqual(
    rows.map((row) => ({
      path: row.path,
      photo_etag: row.photoEtag,
      label: row.label,
      source_partition: row.sourcePartition,
      source_offset: row.sourceOffset,
      ingested_at: new Date(row.ingestedAtMs),
    })),
  );
  if (count > 4_096) {
    expect(groups.map(({ length }) => length)).toEqual([4_096, count - 4_096]);
    expect(read.bytes).toBeLessThan(file!.size / 3);
  }
});

test("what is no Parquet file, or has no such column, is refused by name", async () => {
  const { access } = world();
  const [file] = await writeRows(access, [photoRow()]);
  await expect(collect(readColumns(access, file!, ["nothing"]))).rejects.toThrow(/part-.*the column "nothing"/);
  const path = "broken.parquet";
  await access.store.put({ bucket: "b", key: `t/${path}` }, Buffer.from("no such thing as this"));
  await expect(collect(readColumns(access, { ...file!, path, size: 21 }, ["path"]))).rejects.toMatchObject({
    code: "invalid-table",
  });
  await expect(collect(readColumns(access, { ...file!, path: "gone" }, ["path"]))).rejects.toMatchObject({
    code: "not-found",
  });
});
