import { existsSync } from "node:fs";
import { join } from "node:path";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { STATE_FOLDER } from "#ops/local/local-workplace.ts";
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
    const topics = topicsWithPrefix(`${findModel(out, model, modelsOf(log))}.`);
    const [admin, producer] = [await log.openAdmin(), await log.openProducer()];
    const schemas = new SchemaTopic({ topic: topics.schemas, log, admin, logger: silentLogger });
    return await work({ topics, log, admin, producer, schemas });
  } finally {
    log.close();
  }
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
