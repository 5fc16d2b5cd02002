import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { findS3Access, openStackStore } from "#ops/pipeline/endpoints.ts";
import { requireTableUri } from "#ops/pipeline/pipeline-access.ts";

/** A table that is only read, and the name under which its reader knows it. */
export interface NamedTable {
  /** s3://bucket/prefix, or the absolute path of a local folder. */
  readonly place: string;
  readonly table: DeltaTable;
}

/**
 * Does a command's work on a table that it only reads, and closes the store afterwards.
 *
 * @param place s3://bucket/prefix or a local folder; TABLE_URI by default.
 * @throws usage when no table is named; invalid-table when there is none.
 */
export async function withTable(place: string | undefined, work: (named: NamedTable) => Promise<void>): Promise<void> {
  const named = requireTableUri(place);
  await (isUri(named) ? withS3Table(named, work) : withFolderTable(resolve(named), work));
}

function isUri(place: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(place);
}

async function withS3Table(uri: string, work: (named: NamedTable) => Promise<void>): Promise<void> {
  const location = parseTableUri(uri);
  const store = openStackStore(await findS3Access());
  try {
    await work({ place: uri, table: await openTable(store, location) });
  } finally {
    store.close();
  }
}

/** A folder store wants a place to make writes ready. It gets one elsewhere, so that the table's folder is only read. */
async function withFolderTable(folder: string, work: (named: NamedTable) => Promise<void>): Promise<void> {
  if (!existsSync(join(folder, "_delta_log"))) {
    throw new FruitstreamError("invalid-table", `there is no table in ${folder}: it has no folder _delta_log`);
  }
  const scratch = await mkdtemp(join(tmpdir(), "fruitstream-read-"));
  try {
    const bucket = "local";
    const store = await openFolderObjectStore(scratch, { [bucket]: dirname(folder) });
    await work({ place: folder, table: await openTable(store, { bucket, prefix: basename(folder) }) });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
