import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { openTable } from "#lib/table/open-table.ts";
import { formatTableUri, parseTableUri } from "#lib/table/table-location.ts";
import { countRows } from "#lib/table/table-summary.ts";
import { type FlushedTable, flushFolder } from "#ops/flush/flush-folder.ts";
import { flushTable, STALL_SECONDS } from "#ops/flush/flush-table.ts";
import { withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { findTableUri, TABLE_BY_DEFAULT } from "#ops/services/find-table-uri.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";

/** `fruitstream flush`: the table now has every vector that was published before. */
export function flushCommand(): Command {
  return withJson(new Command("flush"))
    .description("commit everything the reducers have buffered, and wait until it is in the table")
    .option("--table <uri>", `s3://bucket/prefix of the table; ${TABLE_BY_DEFAULT}`)
    .option("--out <folder>", "the output folder of `local`: commit what an interrupted run has featurized")
    .option("--model <id>", "with --out: a model's id or name, where the folder has photos of several")
    .option("--timeout <seconds>", "give up when the table has made no progress for so long", seconds, STALL_SECONDS)
    .action(runFlush);
}

interface FlushFlags extends OutputFlags {
  readonly table?: string;
  readonly out?: string;
  readonly model?: string;
  readonly timeout: number;
}

async function runFlush(flags: FlushFlags): Promise<void> {
  const { table, out, model, timeout, json } = flags;
  if (table !== undefined && out !== undefined) {
    throw new FruitstreamError("usage", "--table names a table on S3 and --out one of `local`; give one of them");
  }
  if (model !== undefined && out === undefined) throw new FruitstreamError("usage", "--model is for --out");
  const flushed = await interruptible((signal) =>
    out === undefined
      ? flushPipeline(table, timeout, signal)
      : flushFolder(resolve(out), model, cliDeps, timeout, signal),
  );
  if (!flushed) return;
  if (json) printJson(flushed);
  else print(`version ${flushed.version} of ${flushed.table} has everything published before`);
}

async function flushPipeline(
  table: string | undefined,
  stallSeconds: number,
  signal: AbortSignal,
): Promise<FlushedTable> {
  const location = parseTableUri(await findTableUri(table, cliDeps));
  return withPipelineAccess("flush", cliDeps, async ({ admin, producer, store, topics }) => {
    const table = await openTable(store, location);
    await flushTable({ admin, producer, table, featuresTopic: topics.features }, stallSeconds, signal);
    const { snapshot } = table;
    return { table: formatTableUri(location), version: snapshot.version, rows: countRows(snapshot) };
  });
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("must be seconds from 0 to 86400");
}
