import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import { readRunningServices } from "./running-services.ts";

/** Which table a command takes when it is told none, for its help. */
export const TABLE_BY_DEFAULT = "TABLE_URI by default, else the table of `up`";

/**
 * The table that the caller names, else the environment, else the one that the services of a running `up` fill; undefined
 * when there is none of them.
 */
export async function namedTableUri(
  named: string | undefined,
  { env }: Pick<OpsDeps, "env">,
): Promise<string | undefined> {
  return named || env.TABLE_URI || (await readRunningServices(readStackSettings(env).stateDir))?.tableUri;
}

/** Like `namedTableUri`, for what can't do without. @throws usage when there is none. */
export async function findTableUri(named: string | undefined, deps: Pick<OpsDeps, "env">): Promise<string> {
  const uri = await namedTableUri(named, deps);
  if (uri) return uri;
  const message = "which table? name it as s3://bucket/prefix or as a local folder, or set TABLE_URI";
  throw new FruitstreamError("usage", message);
}
