import { resolve } from "node:path";
import { Command } from "commander";
import { plotTable } from "#analysis/plot/plot-table.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { openNamedTable, TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";

/** `fruitstream plot`: the PCA of a table's rows as pictures. */
export function plotCommand(): Command {
  return new Command("plot")
    .description("draw the PCA of the table's vectors: scatter by label and scree plot, as SVG")
    .requiredOption("--out <folder>", "where the pictures are written")
    .option("--model <id>", "a model's id as `table show` prints it, or its name; the table's only one by default")
    .option("--table <place>", TABLE_PLACES)
    .option("--run <name>", "live, or the name of a replay", LIVE_RUN)
    .action(runPlot);
}

interface PlotFlags {
  readonly model?: string;
  readonly out: string;
  readonly table?: string;
  readonly run: string;
}

async function runPlot({ model, out, table, run }: PlotFlags): Promise<void> {
  await using opened = await openNamedTable(table, cliDeps);
  await plotTable(opened, { model, run, folder: resolve(out) }, console.log);
}
