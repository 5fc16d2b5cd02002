import { Command, InvalidArgumentError } from "commander";
import { openTable } from "#lib/table/open-table.ts";
import { formatTableUri, parseTableUri } from "#lib/table/table-location.ts";
import { flushTable, STALL_SECONDS } from "#ops/flush/flush-table.ts";
import { requireTableUri, withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";

/** `fruitstream flush`: the table now has every vector that was published before. */
export function flushCommand(): Command {
  return new Command("flush")
    .description("have the reducers commit what they hold, and wait until it is in the table")
    .option("--table <uri>", "s3://bucket/prefix of the table; TABLE_URI by default")
    .option("--timeout <seconds>", "give up when the table stands still for so long", seconds, STALL_SECONDS)
    .action(runFlush);
}

async function runFlush(options: { table?: string; timeout: number }): Promise<void> {
  const location = parseTableUri(requireTableUri(options.table, cliDeps));
  await interruptible((signal) =>
    withPipelineAccess("flush", cliDeps, async ({ admin, producer, store, topics }) => {
      const table = await openTable(store, location);
      await flushTable({ admin, producer, table, featuresTopic: topics.features }, options.timeout, signal);
      console.log(`version ${table.snapshot.version} of ${formatTableUri(location)} has everything published before`);
    }),
  );
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("must be seconds from 0 to 86400");
}
