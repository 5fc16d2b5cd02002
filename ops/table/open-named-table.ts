import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { parseTableUri, SIDE_FOLDER } from "#lib/table/table-location.ts";
import { findS3Access, openStackStore } from "#ops/pipeline/endpoints.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { findTableUri, TABLE_BY_DEFAULT } from "#ops/services/find-table-uri.ts";

/** A table and the name under which its caller knows it. */
export interface NamedTable {
  /** s3://bucket/prefix, or the absolute path of a local folder. */
  readonly place: string;
  readonly table: DeltaTable;
}

/** Where a table may be, for the help of every command that reads one. */
export const TABLE_PLACES = `s3://bucket/prefix, file:///folder or a local folder; ${TABLE_BY_DEFAULT}`;

export interface NamedTableOptions {
  /** Whether the table is to be written to; otherwise it is only read, and a local folder stays as it is. */
  readonly writes?: boolean;
}

/**
 * Opens a table that exists, wherever it is. A folder may be the table's own, or one that holds it as `table`, as
 * the outputs of `local` and the demo do. Disposing of it closes the store.
 *
 * @param place as `TABLE_PLACES` says.
 * @throws usage when no table is named, or a place of another kind; invalid-table when there is none.
 */
export async function openNamedTable(
  place: string | undefined,
  deps: OpsDeps,
  { writes = false }: NamedTableOptions = {},
): Promise<NamedTable & AsyncDisposable> {
  const named = await findTableUri(place, deps);
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(named) ?? [];
  if (scheme === undefined) return openFolderTable(resolve(named), writes);
  if (scheme === "file") return openFolderTable(folderOf(named), writes);
  if (scheme === "s3") return openS3Table(named, deps);
  throw new FruitstreamError("usage", `a table's place must be ${TABLE_PLACES}, got "${named}"`);
}

async function openS3Table(uri: string, deps: OpsDeps): Promise<NamedTable & AsyncDisposable> {
  const location = parseTableUri(uri);
  const store = openStackStore(await findS3Access(deps));
  const close = async () => store.close();
  try {
    return { place: uri, table: await openTable(store, location), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A folder store wants a place to make writes ready. It gets one elsewhere, so that the table's folder is only read; or, for
 * writing, one of its own on the same file system, under a name that readers of the table pass over.
 */
async function openFolderTable(named: string, writes: boolean): Promise<NamedTable & AsyncDisposable> {
  const folder = [named, join(named, "table")].find((candidate) => existsSync(join(candidate, "_delta_log")));
  if (folder === undefined) {
    throw new FruitstreamError("invalid-table", `there is no table in ${named}: it has no folder _delta_log`);
  }
  const scratch = await makeScratch(folder, writes);
  const close = () => rm(scratch, { recursive: true, force: true });
  try {
    const bucket = "local";
    const store = await openFolderObjectStore(scratch, { [bucket]: dirname(folder) });
    const table = await openTable(store, { bucket, prefix: basename(folder) });
    return { place: folder, table, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeScratch(folder: string, writes: boolean): Promise<string> {
  if (!writes) return mkdtemp(join(tmpdir(), "fruitstream-read-"));
  try {
    await mkdir(join(folder, SIDE_FOLDER), { recursive: true });
    return await mkdtemp(join(folder, SIDE_FOLDER, "writing-"));
  } catch (cause) {
    throw new FruitstreamError("access-denied", `the table in ${folder} can't be written: ${String(cause)}`, { cause });
  }
}

function folderOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (cause) {
    throw new FruitstreamError("usage", `a table's file URI must be like file:///folder, got "${uri}"`, { cause });
  }
}
