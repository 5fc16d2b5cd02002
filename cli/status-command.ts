import { Command } from "commander";
import { readConfig } from "#lib/runtime/config.ts";
import { withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { namedTableUri } from "#ops/services/find-table-uri.ts";
import { readRunningServices } from "#ops/services/running-services.ts";
import { DEFAULT_TABLE_URI } from "#ops/services/start-pipeline.ts";
import { type MembersStatus, type PipelineStatus, readStatus, type TableStatus } from "#ops/status/read-status.ts";
import { featurizerConfig, featurizerGroup } from "#services/featurizer/config.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import { cliDeps } from "./cli-deps.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";

/** `fruitstream status`: how far a pipeline is. */
export function statusCommand(): Command {
  const command = new Command("status")
    .description("print lag by partition, rows, open dead letters, and the health of the services that `up` runs")
    .option("--table <uri>", "s3://bucket/prefix of the table (default: TABLE_URI, else that of `up`)");
  return withJson(command).action(runStatus);
}

async function runStatus({ table, json }: OutputFlags & { table?: string }): Promise<void> {
  const { env } = cliDeps;
  const { topicPrefix, group } = featurizerConfig;
  const named = readConfig({ topicPrefix, group }, env);
  const running = await readRunningServices(readStackSettings(env).stateDir);
  const tableUri = (await namedTableUri(table, cliDeps)) ?? DEFAULT_TABLE_URI;
  const options = { tableUri, featurizerGroup: featurizerGroup(named), services: running?.services ?? [] };
  const status = await withPipelineAccess("status", cliDeps, (access) => readStatus(access, options));
  if (json) printJson(status);
  else print(formatStatus(status, tableUri));
}

/** The status as a person reads it. */
export function formatStatus(status: PipelineStatus, tableUri: string): string {
  const { featurizers, reducers, table, deadLettersOpen, services } = status;
  return [
    `table         ${table ? formatTable(table) : `none at ${tableUri} yet`}`,
    `featurizers   ${formatMembers(featurizers, "photos")}`,
    `reducers      ${formatMembers(reducers, "vectors")}`,
    `dead letters  ${deadLettersOpen} open`,
    ...services.map(({ name, url, state, troubles }) =>
      [`${name.padEnd(13)} ${state}, ${url}`, ...troubles.map((trouble) => `; ${trouble}`)].join(""),
    ),
    ...(services.length === 0 ? ["services      none known; those of `fruitstream up` are"] : []),
  ].join("\n");
}

function formatTable({ uri, version, rows, known }: TableStatus): string {
  return `${uri}, version ${version}, ${rows} rows${known > 0 ? `, ${known} photos known already` : ""}`;
}

function formatMembers({ topic, lag, partitions }: MembersStatus, what: string): string {
  const details = partitions.map(
    ({ partition, done, end, lag }) => `\n  ${topic}/${partition}  ${done} of ${end}, lag ${lag}`,
  );
  return `${lag} ${what} to do${details.join("")}`;
}
