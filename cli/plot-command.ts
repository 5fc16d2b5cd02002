import { relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { type PlotFormat, type Plots, plotTable } from "#analysis/plot/plot-table.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { openNamedTable, TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";
import { type OutputFlags, print, printJson, tell, withJson } from "./output.ts";

/** `fruitstream plot`: the PCA of a table's rows as pictures. */
export function plotCommand(): Command {
  return withJson(new Command("plot"))
    .description("draw the PCA of the table's vectors: scatter by label and scree plot")
    .requiredOption("--out <folder>", "where the pictures are written")
    .option("--model <id>", "a model's id as `table show` prints it, or its name; the table's only one by default")
    .option("--table <place>", TABLE_PLACES)
    .option("--run <name>", "live, or the name of a replay", LIVE_RUN)
    .option("--components <x,y>", "the components along the axes of the scatter; 1,2 by default", componentsOf)
    .option("--no-groups", "keep labels apart, instead of grouping more than twelve by their first word")
    .addOption(new Option("--format <format>", "PNG takes this machine's fonts").choices(["svg", "png"]).default("svg"))
    .action(runPlot);
}

interface PlotFlags extends OutputFlags {
  readonly model?: string;
  readonly out: string;
  readonly table?: string;
  readonly run: string;
  readonly components?: readonly [number, number];
  readonly groups: boolean;
  readonly format: PlotFormat;
}

async function runPlot({ model, out, table, run, json, components, groups, format }: PlotFlags): Promise<void> {
  await using opened = await openNamedTable(table, cliDeps);
  const axes = components ? { components } : {};
  const plots = await plotTable(opened, { model, run, folder: resolve(out), ...axes, groups, format });
  if (json) printJson(plots);
  else printPlots(plots);
}

function printPlots({ table, model, run, rows, points, reprojectedRows, basis, files }: Plots): void {
  const count = points < rows ? `${points} drawn of ${rows} rows` : `${rows} rows`;
  print(`${model}, run ${run}: ${count}, basis ${basis}`);
  if (reprojectedRows > 0) print(`${reprojectedRows} rows were projected by older bases, and are projected anew here`);
  if (reprojectedRows > 0) tell(`fruitstream table reproject ${table} does so in the table itself`);
  print(`written: ${files.map((file) => relative(process.cwd(), file)).join(", ")}`);
}

function componentsOf(text: string): [number, number] {
  const [x = 0, y = 0, ...more] = text
    .split(",")
    .map((part) => (/^[1-9]\d{0,3}$/.test(part.trim()) ? Number(part) : 0));
  if (x > 0 && y > 0 && x !== y && more.length === 0) return [x, y];
  throw new InvalidArgumentError("must be two different components, counted from 1, as 1,3");
}
