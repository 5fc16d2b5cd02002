import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { LAST_CHECKPOINT_PATH, readLastCheckpoint, SIDECAR_FOLDER } from "./delta/checkpoint.ts";
import { commitPath } from "./delta/delta-log.ts";
import { listLog } from "./delta/list-log.ts";
import { readSnapshot } from "./delta/read-snapshot.ts";
import { formatTableUri, SIDE_FOLDER, type TableAccess, tableObject } from "./table-location.ts";

/** What was copied. */
export interface ExportSummary {
  readonly version: number;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Copies the newest version of a table into a folder, which then is a Delta table by itself and, without its log, plain
 * Hive-partitioned Parquet. The PCA bases beside it come along, since coordinates mean nothing without. Older versions can be read from it as far as they need no removed file. One file is held
 * in memory at a time; the log comes last, so a folder with a log is a whole table.
 *
 * @throws usage when the folder is not empty; invalid-table when there is no table, or it names files outside of it.
 */
export async function exportTable(access: TableAccess, folder: string): Promise<ExportSummary> {
  const snapshot = await readSnapshot(access);
  await requireEmptyFolder(folder);
  let bytes = 0;
  for (const { path, size } of snapshot.files.values()) {
    bytes += await copy(access, path, folder, size);
  }
  for (const { path, sizeBytes } of await basisFiles(access)) {
    bytes += await copy(access, path, folder, sizeBytes);
  }
  for (const path of await logPaths(access, snapshot.version)) {
    bytes += await copy(access, path, folder, LOG_FILE_BYTES_MAX);
  }
  return { version: snapshot.version, files: snapshot.files.size, bytes };
}

/** Bases are immutable, so those of the moment are whole. */
async function basisFiles({ store, location }: TableAccess): Promise<{ path: string; sizeBytes: number }[]> {
  const { bucket, key: prefix } = tableObject(location, `${SIDE_FOLDER}/bases/`);
  const rootLength = tableObject(location, "").key.length;
  const files = [];
  for await (const { key, sizeBytes } of store.list(bucket, prefix)) {
    // Some servers list what is still being written, under a name that is gone when it is whole.
    if (key.endsWith(".json")) files.push({ path: key.slice(rootLength), sizeBytes });
  }
  return files;
}

const LOG_FILE_BYTES_MAX = 512 * 2 ** 20;

/** The log up to a version, oldest first; what writers add meanwhile stays out. */
async function logPaths(access: TableAccess, version: number): Promise<string[]> {
  const { commits, checkpoints } = await listLog(access, 0);
  const last = await readLastCheckpoint(access);
  return [
    ...(await sidecarPaths(access)),
    ...checkpoints.filter((checkpoint) => checkpoint.version <= version).flatMap(({ paths }) => paths),
    ...commits.filter((commit) => commit <= version).map(commitPath),
    ...(last !== undefined && last.version <= version ? [LAST_CHECKPOINT_PATH] : []),
  ];
}

/** Files that checkpoints of other tools name. */
async function sidecarPaths({ store, location }: TableAccess): Promise<string[]> {
  const { bucket, key: prefix } = tableObject(location, `${SIDECAR_FOLDER}/`);
  const paths: string[] = [];
  for await (const { key } of store.list(bucket, prefix)) paths.push(`${SIDECAR_FOLDER}/${key.slice(prefix.length)}`);
  return paths;
}

async function copy({ store, location }: TableAccess, path: string, folder: string, bytesMax: number): Promise<number> {
  const target = join(folder, path);
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || !resolve(target).startsWith(resolve(folder) + sep)) {
    throw new FruitstreamError(
      "invalid-table",
      `${formatTableUri(location)} names "${path}", which lies outside of it`,
    );
  }
  const { bytes } = await store.get(tableObject(location, path), { bytesMax });
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, bytes);
  return bytes.byteLength;
}

/** @throws usage when the folder has something in it. It is made where it is missing. */
export async function requireEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new FruitstreamError("usage", `"${folder}" must be an empty folder to export into`);
  }
}
