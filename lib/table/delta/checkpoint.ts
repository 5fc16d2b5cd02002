import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import {
  boolColumn,
  type Column,
  int32Column,
  int64Column,
  listColumn,
  mapColumn,
  structColumn,
  utf8Column,
} from "../arrow-columns.ts";
import { decodeRows, encodeColumns } from "../parquet-file.ts";
import { formatTableUri, type TableAccess, tableObject } from "../table-location.ts";
import { type Action, encodePaths, type Metadata, parseAction, parseActions, type Sidecar } from "./actions.ts";
import { statisticsFromStruct, structStatistics } from "./checkpoint-statistics.ts";
import { checkpointPath, commitOf, LOG_FOLDER, readLogFile, withOwnPath } from "./delta-log.ts";
import type { CheckpointFiles } from "./list-log.ts";
import { Snapshot } from "./snapshot.ts";
import { type TableProperties, tablePropertiesOf } from "./table-properties.ts";

/** The hint to the latest checkpoint: its version and its number of actions. */
export type LastCheckpoint = z.output<typeof lastCheckpointSchema>;

/**
 * Writes the snapshot as a checkpoint of the protocol's version 1 and points `_last_checkpoint` at it. Writing the same
 * version twice is harmless: both hold the same state.
 */
export async function writeCheckpoint(access: TableAccess, snapshot: Snapshot): Promise<void> {
  const { store, location, clock } = access;
  const actions = checkpointActions(snapshot, formatTableUri(location), clock.nowMs());
  const bytes = encodeCheckpoint(
    actions,
    snapshot.metadata,
    tablePropertiesOf(snapshot.metadata, formatTableUri(location)),
  );
  await store.put(tableObject(location, checkpointPath(snapshot.version)), bytes);
  const last: LastCheckpoint = { version: snapshot.version, size: actions.length, sizeInBytes: bytes.byteLength };
  await store.put(tableObject(location, LAST_CHECKPOINT_PATH), Buffer.from(JSON.stringify(last)), {
    contentType: "application/json",
  });
}

/**
 * Reads a checkpoint of the protocol's version 1, in one file or in parts, or of version 2, with the sidecars that it
 * names. One file is held at a time beside the actions. What the hint says of its size is not compared: another tool may
 * have written the same version anew, with more or fewer removals.
 *
 * @throws invalid-table when it is missing, cut short or not of this protocol; the JSON log then has the same state.
 */
export async function readCheckpoint(access: TableAccess, { version, paths }: CheckpointFiles): Promise<Snapshot> {
  const actions: Action[] = [];
  for (const path of paths) {
    for (const action of await readActions(access, path)) actions.push(action);
  }
  for (const { sidecar } of [...actions]) {
    if (!sidecar) continue;
    for (const action of await readActions(access, sidecarPath(sidecar))) actions.push(action);
  }
  return new Snapshot(commitOf(version, actions));
}

/** The hint, or undefined when there is none that can be read: the log's listing then shows the checkpoints. */
export async function readLastCheckpoint(access: TableAccess): Promise<LastCheckpoint | undefined> {
  try {
    const bytes = await readLogFile(access, LAST_CHECKPOINT_PATH, LAST_CHECKPOINT_BYTES_MAX);
    if (bytes === undefined) return undefined;
    return lastCheckpointSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    if (error instanceof FruitstreamError && error.code !== "invalid-table") throw error;
    const fields = { event: "last_checkpoint_unreadable", err: error };
    access.logger.warn(fields, "could not read _last_checkpoint; listing the log instead");
    return undefined;
  }
}

/** Where checkpoints of the protocol's version 2 have the files that they name. */
export const SIDECAR_FOLDER = `${LOG_FOLDER}/_sidecars`;

export const LAST_CHECKPOINT_PATH = `${LOG_FOLDER}/_last_checkpoint`;

const lastCheckpointSchema = z.object({
  version: z.number().int().nonnegative(),
  size: z.number().int(),
  sizeInBytes: z.number().int().nullish(),
});

/** Several hundred thousand files with statistics; beyond it compaction is overdue. */
const CHECKPOINT_BYTES_MAX = 512 * 2 ** 20;

/** Spark adds the checkpoint's whole schema to the hint. */
const LAST_CHECKPOINT_BYTES_MAX = 2 ** 20;

/** The columns of a checkpoint that are read; each row has a value in one of them. */
const ACTION_COLUMNS = ["protocol", "metaData", "txn", "add", "remove", "domainMetadata", "sidecar"];

async function readActions(access: TableAccess, path: string): Promise<Action[]> {
  const origin = `${formatTableUri(access.location)}/${path}`;
  const bytes = await readLogFile(access, path, CHECKPOINT_BYTES_MAX);
  if (bytes === undefined) throw new FruitstreamError("invalid-table", `${origin} does not exist`);
  const actions = path.endsWith(".json")
    ? parseActions(bytes, origin)
    : decodeRows(bytes, ACTION_COLUMNS, ACTION_COLUMNS).map((row) => parseAction(withStatistics(row), origin));
  return actions.map((action) => withOwnPath(action, access));
}

function withStatistics(row: Record<string, unknown>): unknown {
  const add = row.add as { stats?: unknown; stats_parsed?: Record<string, unknown> | null } | null;
  if (!add?.stats_parsed || add.stats) return row;
  return { ...row, add: { ...add, stats: statisticsFromStruct(add.stats_parsed) } };
}

/** Their names are relative to a folder of their own. */
function sidecarPath({ path }: Sidecar): string {
  if (!path.includes("/")) return `${SIDECAR_FOLDER}/${path}`;
  throw new FruitstreamError("invalid-table", `a checkpoint's sidecar must be in the log's folder, got "${path}"`);
}

/** The least actions that give the snapshot: one row each. Removals that no reader of older versions may need any more are left out. */
function checkpointActions(snapshot: Snapshot, tableUri: string, nowMs: number): Action[] {
  const expiredMs = nowMs - tablePropertiesOf(snapshot.metadata, tableUri).deletedFileRetentionMs;
  return [
    { protocol: snapshot.protocol },
    { metaData: snapshot.metadata },
    ...Array.from(snapshot.txns.values(), (txn) => ({ txn })),
    ...Array.from(snapshot.domains.values(), (domainMetadata) => ({ domainMetadata })),
    ...Array.from(snapshot.files.values(), (add) => ({ add: { ...add, dataChange: false } })),
    ...Array.from(snapshot.tombstones.values())
      .filter((remove) => (remove.deletionTimestamp ?? 0) > expiredMs)
      .map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ].map(encodePaths);
}

function encodeCheckpoint(
  actions: readonly Action[],
  metadata: Metadata,
  { hasJsonStatistics, hasStructStatistics }: Pick<TableProperties, "hasJsonStatistics" | "hasStructStatistics">,
): Uint8Array {
  const protocol = actions.map((action) => action.protocol);
  const metaData = actions.map((action) => action.metaData);
  const txn = actions.map((action) => action.txn);
  const add = actions.map((action) => action.add);
  const remove = actions.map((action) => action.remove);
  const domainMetadata = actions.map((action) => action.domainMetadata);
  const columns: Record<string, Column> = {
    protocol: structColumn(protocol, {
      minReaderVersion: int32Column(protocol.map((value) => value?.minReaderVersion)),
      minWriterVersion: int32Column(protocol.map((value) => value?.minWriterVersion)),
      readerFeatures: textLists(protocol.map((value) => value?.readerFeatures)),
      writerFeatures: textLists(protocol.map((value) => value?.writerFeatures)),
    }),
    metaData: structColumn(metaData, {
      id: utf8Column(metaData.map((value) => value?.id)),
      name: utf8Column(metaData.map((value) => value?.name)),
      description: utf8Column(metaData.map((value) => value?.description)),
      format: structColumn(metaData, {
        provider: utf8Column(metaData.map((value) => value?.format.provider)),
        options: mapColumn(metaData.map((value) => value && (value.format.options ?? {}))),
      }),
      schemaString: utf8Column(metaData.map((value) => value?.schemaString)),
      partitionColumns: textLists(metaData.map((value) => value?.partitionColumns)),
      configuration: mapColumn(metaData.map((value) => value && (value.configuration ?? {}))),
      createdTime: int64Column(metaData.map((value) => value?.createdTime)),
    }),
    txn: structColumn(txn, {
      appId: utf8Column(txn.map((value) => value?.appId)),
      version: int64Column(txn.map((value) => value?.version)),
      lastUpdated: int64Column(txn.map((value) => value?.lastUpdated)),
    }),
    add: structColumn(add, {
      path: utf8Column(add.map((value) => value?.path)),
      partitionValues: mapColumn(add.map((value) => value?.partitionValues)),
      size: int64Column(add.map((value) => value?.size)),
      modificationTime: int64Column(add.map((value) => value?.modificationTime)),
      dataChange: boolColumn(add.map((value) => value?.dataChange)),
      ...(hasJsonStatistics ? { stats: utf8Column(add.map((value) => value?.stats)) } : {}),
      ...(hasStructStatistics ? structStatistics(add, metadata) : {}),
      tags: mapColumn(add.map((value) => value?.tags)),
    }),
    remove: structColumn(remove, {
      path: utf8Column(remove.map((value) => value?.path)),
      deletionTimestamp: int64Column(remove.map((value) => value?.deletionTimestamp)),
      dataChange: boolColumn(remove.map((value) => value?.dataChange)),
    }),
    domainMetadata: structColumn(domainMetadata, {
      domain: utf8Column(domainMetadata.map((value) => value?.domain)),
      configuration: utf8Column(domainMetadata.map((value) => value?.configuration)),
      removed: boolColumn(domainMetadata.map((value) => value?.removed)),
    }),
  };
  return encodeColumns(columns, []);
}

function textLists(lists: readonly (readonly string[] | null | undefined)[]): Column {
  return listColumn(lists, utf8Column);
}
