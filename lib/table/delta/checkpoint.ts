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
import { type Action, encodePaths, parseAction } from "./actions.ts";
import { checkpointPath, commitOf, LOG_FOLDER, readLogFile } from "./delta-log.ts";
import { Snapshot } from "./snapshot.ts";

/** The hint to the latest checkpoint: its version and its number of actions. */
export type LastCheckpoint = z.output<typeof lastCheckpointSchema>;

/**
 * Writes the snapshot as a checkpoint of the protocol's version 1 and points `_last_checkpoint` at it. Writing the same
 * version twice is harmless: both hold the same state.
 */
export async function writeCheckpoint(access: TableAccess, snapshot: Snapshot): Promise<void> {
  const { store, location, clock } = access;
  const actions = checkpointActions(snapshot, clock.nowMs());
  const bytes = encodeCheckpoint(actions);
  await store.put(tableObject(location, checkpointPath(snapshot.version)), bytes);
  const last: LastCheckpoint = { version: snapshot.version, size: actions.length, sizeInBytes: bytes.byteLength };
  await store.put(tableObject(location, LAST_CHECKPOINT_PATH), Buffer.from(JSON.stringify(last)), {
    contentType: "application/json",
  });
}

/**
 * Reads a checkpoint. With `last`, what it says of this version is compared.
 *
 * @throws invalid-table when it is missing, cut short or not of this protocol; the JSON log then has the same state.
 */
export async function readCheckpoint(access: TableAccess, version: number, last?: LastCheckpoint): Promise<Snapshot> {
  const path = checkpointPath(version);
  const origin = `${formatTableUri(access.location)}/${path}`;
  const bytes = await readLogFile(access, path, CHECKPOINT_BYTES_MAX);
  if (bytes === undefined) throw new FruitstreamError("invalid-table", `${origin} does not exist`);
  const actions = decodeRows(bytes).map((row) => parseAction(row, origin));
  if (last?.version === version && last.size !== actions.length) {
    throw new FruitstreamError(
      "invalid-table",
      `${origin} has ${actions.length} actions, _last_checkpoint says ${last.size}`,
    );
  }
  return new Snapshot(commitOf(version, actions));
}

/** The hint, or undefined when there is none that can be read: the log's listing then shows the checkpoints. */
export async function readLastCheckpoint(access: TableAccess): Promise<LastCheckpoint | undefined> {
  const bytes = await readLogFile(access, LAST_CHECKPOINT_PATH, LAST_CHECKPOINT_BYTES_MAX);
  if (bytes === undefined) return undefined;
  try {
    return lastCheckpointSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    const fields = { event: "last_checkpoint_unreadable", err: error };
    access.logger.warn(fields, "could not read _last_checkpoint; listing the log instead");
    return undefined;
  }
}

export const LAST_CHECKPOINT_PATH = `${LOG_FOLDER}/_last_checkpoint`;

const lastCheckpointSchema = z.object({
  version: z.number().int(),
  size: z.number().int(),
  sizeInBytes: z.number().int().nullish(),
});

/** Several hundred thousand files with statistics; beyond it compaction is overdue. */
const CHECKPOINT_BYTES_MAX = 512 * 2 ** 20;

/** Spark adds the checkpoint's whole schema to the hint. */
const LAST_CHECKPOINT_BYTES_MAX = 2 ** 20;

/** The protocol's default `delta.deletedFileRetentionDuration`: vacuum may take a file this long after its removal. */
const TOMBSTONE_RETENTION_MS = 7 * 24 * 3600 * 1000;

/** The least actions that give the snapshot: one row each. */
function checkpointActions(snapshot: Snapshot, nowMs: number): Action[] {
  const expiredMs = nowMs - TOMBSTONE_RETENTION_MS;
  return [
    { protocol: snapshot.protocol },
    { metaData: snapshot.metadata },
    ...Array.from(snapshot.txnVersions, ([appId, version]) => ({ txn: { appId, version } })),
    ...Array.from(snapshot.files.values(), (add) => ({ add: { ...add, dataChange: false } })),
    ...Array.from(snapshot.tombstones.values())
      .filter((remove) => (remove.deletionTimestamp ?? 0) > expiredMs)
      .map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ].map(encodePaths);
}

function encodeCheckpoint(actions: readonly Action[]): Uint8Array {
  const protocol = actions.map((action) => action.protocol);
  const metaData = actions.map((action) => action.metaData);
  const txn = actions.map((action) => action.txn);
  const add = actions.map((action) => action.add);
  const remove = actions.map((action) => action.remove);
  const columns: Record<string, Column> = {
    protocol: structColumn(protocol, {
      minReaderVersion: int32Column(protocol.map((value) => value?.minReaderVersion)),
      minWriterVersion: int32Column(protocol.map((value) => value?.minWriterVersion)),
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
      partitionColumns: listColumn(
        metaData.map((value) => value?.partitionColumns),
        utf8Column,
      ),
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
      stats: utf8Column(add.map((value) => value?.stats)),
      tags: mapColumn(add.map((value) => value?.tags)),
    }),
    remove: structColumn(remove, {
      path: utf8Column(remove.map((value) => value?.path)),
      deletionTimestamp: int64Column(remove.map((value) => value?.deletionTimestamp)),
      dataChange: boolColumn(remove.map((value) => value?.dataChange)),
    }),
  };
  return encodeColumns(columns, []);
}
