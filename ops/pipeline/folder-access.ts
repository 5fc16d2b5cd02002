import { existsSync } from "node:fs";
import { join } from "node:path";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { STATE_FOLDER, TABLE_LOCATION } from "#ops/local/local-workplace.ts";
import type { MessageAccess } from "./pipeline-access.ts";

/**
 * Does an operation's work on the messages that `local` keeps beside its table. Nobody else has the folder meanwhile.
 *
 * @param out the output folder of `local`.
 * @param model a model's id, or its name; undefined for the only one.
 * @throws usage when the folder holds no such messages, or another process works in it.
 */
export async function withFolderAccess<Result>(
  out: string,
  model: string | undefined,
  work: (access: MessageAccess) => Promise<Result>,
): Promise<Result> {
  const log = await openFolderLog(out);
  try {
    return await work(await messagesOf(findModel(out, model, modelsOf(log)), log));
  } finally {
    log.close();
  }
}

/** What `local` keeps in its output folder, of all its models, for an operation that changes the table. */
export interface FolderTable {
  readonly store: ObjectStore;
  readonly table: DeltaTable;
  readonly logs: readonly MessageAccess[];
}

/**
 * Does an operation's work on a table of `local` and on the messages of all its models. Nobody else has the folder meanwhile.
 *
 * @throws usage when the folder is none of `local`'s, or another process works in it; invalid-table when it has no table.
 */
export async function withFolderTable<Result>(
  out: string,
  work: (folder: FolderTable) => Promise<Result>,
): Promise<Result> {
  const log = await openFolderLog(out);
  try {
    const store = await openFolderObjectStore(join(out, STATE_FOLDER, "store"), { [TABLE_LOCATION.bucket]: out });
    const table = await openTable(store, TABLE_LOCATION);
    const logs = await Promise.all(modelsOf(log).map((model) => messagesOf(model, log)));
    return await work({ store, table, logs });
  } finally {
    log.close();
  }
}

/** The messages of one model. */
async function messagesOf(model: string, log: FolderRecordLog): Promise<MessageAccess> {
  const topics = topicsWithPrefix(`${model}.`);
  const [admin, producer] = [await log.openAdmin(), await log.openProducer()];
  const schemas = new SchemaTopic({ topic: topics.schemas, log, admin, logger: silentLogger });
  return { topics, log, admin, producer, schemas };
}

/** The id of the model that is meant, of those with which `local` has worked in a folder. @throws as above. */
export async function findFolderModel(out: string, model: string | undefined): Promise<string> {
  const log = await openFolderLog(out);
  try {
    return findModel(out, model, modelsOf(log));
  } finally {
    log.close();
  }
}

async function openFolderLog(out: string): Promise<FolderRecordLog> {
  const state = join(out, STATE_FOLDER);
  if (existsSync(state)) return FolderRecordLog.open(state, systemClock);
  const problem = `${out} holds nothing that "fruitstream local" has left: it has no folder ${STATE_FOLDER}`;
  throw new FruitstreamError("usage", `${problem}; name the folder that was its --out`);
}

/** A folder may hold the photos of several models; the topics of each begin with its id. */
function modelsOf(log: FolderRecordLog): string[] {
  const suffix = `.${topicsWithPrefix("").deadLetters}`;
  return log.topics().flatMap((topic) => (topic.endsWith(suffix) ? [topic.slice(0, -suffix.length)] : []));
}

function findModel(out: string, named: string | undefined, models: readonly string[]): string {
  const meant = models.filter((id) => named === undefined || id === named || id.replace(/-[0-9a-f]+$/, "") === named);
  if (meant.length === 1) return meant[0]!;
  const has = models.length === 0 ? "of no model yet" : `of ${models.join(", ")}`;
  const which = named === undefined ? "" : ` and none, or several, that "${named}" names`;
  throw new FruitstreamError("usage", `${out} has photos ${has}${which}; name one with --model`);
}
