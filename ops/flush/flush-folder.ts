import { systemClock } from "#lib/runtime/clock.ts";
import { defaultOf, readConfig } from "#lib/runtime/config.ts";
import { Health } from "#lib/runtime/health.ts";
import { createLogger, readLogLevel } from "#lib/runtime/logger.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { groupBySubject } from "#lib/table/pca-subject.ts";
import { countRows, summarisePartitions } from "#lib/table/table-summary.ts";
import { LocalWorkplace, workplaceConfig } from "#ops/local/local-workplace.ts";
import { findFolderModel } from "#ops/pipeline/folder-access.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { composeReducer, REDUCER_PARTS } from "#services/reducer/compose-reducer.ts";
import { reducerWorkConfig } from "#services/reducer/config.ts";
import { type FlushDeps, flushTable } from "./flush-table.ts";

/** A table that has every vector published before. */
export interface FlushedTable {
  readonly table: string;
  readonly version: number;
  readonly rows: number;
}

/**
 * Brings what an interrupted `local` has featurized into its table. No reducer works there, so one does in this process.
 *
 * @param out the output folder of `local`.
 * @param model a model's id or name; undefined for the only one.
 * @throws usage for a folder that is none of `local`'s, or is at work; what a reducer throws; the signal's reason.
 */
export async function flushFolder(
  out: string,
  model: string | undefined,
  { env }: Pick<OpsDeps, "env">,
  stallSeconds: number,
  signal: AbortSignal,
): Promise<FlushedTable> {
  const workplace = await LocalWorkplace.open(out, await findFolderModel(out, model));
  try {
    const { admin, producer, table, topics } = workplace;
    const deps: FlushDeps = { admin, producer, table, featuresTopic: topics.features };
    await reduce(workplace, deps, env, stallSeconds, signal);
    workplace.removeReduced();
    return { table: workplace.tableFolder, version: table.snapshot.version, rows: countRows(table.snapshot) };
  } finally {
    workplace.close();
  }
}

async function reduce(
  workplace: LocalWorkplace,
  deps: FlushDeps,
  env: OpsDeps["env"],
  stallSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const { log, store, table, logPath } = workplace;
  const modelId = workplace.topics.features.slice(0, -".features".length);
  const { reducer: given } = workplaceConfig(modelId, "", await componentsOf(table, modelId));
  const reducer = await composeReducer(readConfig(reducerWorkConfig, env, given), {
    log,
    store,
    logger: createLogger("reducer", readLogLevel(env, "info"), logPath),
    health: new Health(systemClock.nowMs, REDUCER_PARTS),
    signal,
  });
  const running = reducer.run();
  // It ends by itself with a failure only; one that comes after the flush is of no interest any more.
  const failure = running.then(() => new Promise<never>(() => {}));
  failure.catch(() => undefined);
  try {
    await Promise.race([flushTable(deps, stallSeconds, signal), failure]);
  } finally {
    await reducer.stop();
  }
}

/** As many as the model's bases have had so far. */
async function componentsOf(table: DeltaTable, modelId: string): Promise<number> {
  const subjects = groupBySubject(summarisePartitions(table.snapshot)).map(([first]) => first!);
  const subject = subjects.find(({ model }) => model === modelId);
  const basis = subject && (await new BasisStore(table, subject).refresh());
  return basis?.componentCount ?? defaultOf(reducerWorkConfig.components);
}
