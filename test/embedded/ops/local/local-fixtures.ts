import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";

export type Row = Record<string, unknown>;

/** Writes photos of one colour each, `<folder>/apple/0000.png` and so on, different for different indices. */
export async function writePhotos(folder: string, from: number, count: number): Promise<void> {
  await mkdir(join(folder, "apple"), { recursive: true });
  for (let index = from; index < from + count; index++) {
    await writeFile(join(folder, "apple", `${String(index).padStart(4, "0")}.png`), await renderPhoto(index));
  }
}

export function renderPhoto(index: number): Promise<Uint8Array> {
  const background = { r: index % 256, g: (index * 37) % 256, b: Math.floor(index / 256) };
  return sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .png()
    .toBuffer();
}

/** The rows of the table that `local` leaves in an output folder, with their model. */
export async function rowsOf(out: string, scratch: string): Promise<Row[]> {
  const store = await openFolderObjectStore(scratch, { out });
  const table = await openTable(store, { bucket: "out", prefix: "table" });
  const files = [...table.snapshot.files.values()];
  const rows = files.map(async (file) =>
    (await readRows(table, file)).map((row) => ({ ...row, model: file.partitionValues.model })),
  );
  return (await Promise.all(rows)).flat();
}
