import { openTable } from "#lib/table/open-table.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { withFolderTable } from "#ops/pipeline/folder-access.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { findTableUri } from "#ops/services/find-table-uri.ts";
import type { ForgetDeps } from "./forget-photos.ts";

/** A pipeline on servers, by its table; or the output folder of `local`. */
export type ForgetPlace = { readonly table: string | undefined } | { readonly out: string };

/**
 * Does an operation's work on everything that a place keeps of photos.
 *
 * @throws usage for a place that is none; what Kafka, S3 or the folder refuse.
 */
export function withForgetDeps<Result>(
  place: ForgetPlace,
  deps: OpsDeps,
  work: (deps: ForgetDeps) => Promise<Result>,
): Promise<Result> {
  const { note } = deps;
  if ("out" in place) {
    return withFolderTable(place.out, ({ store, table, logs }) => work({ photoStore: store, table, logs, note }));
  }
  return withPipelineAccess("forget", deps, async (access) => {
    const location = parseTableUri(await findTableUri(place.table, deps));
    const { store, logger } = access;
    const table = await openTable(store, location, { logger });
    return await work({ photoStore: store, table, logs: [access], note });
  });
}
