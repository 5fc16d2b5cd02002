import type { Command } from "commander";
import { systemClock } from "#lib/runtime/clock.ts";
import type { ReprojectProgress } from "#lib/table/operations/reproject-rows.ts";
import { openNamedTable, TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { type ReprojectedTable, reprojectTable, subjectsOf } from "#ops/table/reproject-table.ts";
import { VECTOR_VALUES_MAX } from "#services/reducer/known-models.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, tell, withJson } from "./output.ts";
import { StatusLine } from "./status-line.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

/** A model's own number of values is the limit that is told. */
const COMPONENTS_MAX = VECTOR_VALUES_MAX;

/** `fruitstream table reproject`: all rows in one basis. */
export function addTableReproject(table: Command): void {
  withJson(table.command("reproject"))
    .description("project all rows onto the newest PCA basis, by one commit and without inference")
    .argument("[table]", TABLE_PLACES)
    .option("--k <n>", "first fit a basis of n components to all rows", wholeNumberOption(1, COMPONENTS_MAX))
    .option("--model <id>", "only rows of this model, by its id or its name")
    .option("--run <name>", "only rows of this run")
    .option("--dry-run", "say what would be written, and write nothing", false)
    .action(runReproject);
}

interface ReprojectFlags extends OutputFlags {
  readonly k?: number;
  readonly model?: string;
  readonly run?: string;
  readonly dryRun: boolean;
}

async function runReproject(place: string | undefined, flags: ReprojectFlags): Promise<void> {
  const { k, model, run, dryRun: isDryRun, json } = flags;
  await using opened = await openNamedTable(place, cliDeps, { writes: !isDryRun });
  const { table } = opened;
  const line = new StatusLine(systemClock);
  const result = await interruptible((signal) =>
    reprojectTable(table, {
      subjects: subjectsOf(table, { model, run }),
      ...(k !== undefined && { components: k }),
      ...{ isDryRun, signal },
      onProgress: (progress) => line.show(() => describeProgress(progress)),
      onConflict: ({ name, detail }) => line.note(`${name}: ${detail}; going on from there`),
    }),
  ).finally(() => line.end(""));
  if (!result) return tell("nothing was changed");
  if (json) printJson({ table: opened.place, dryRun: isDryRun, ...factsOf(result) });
  else printResult(result, isDryRun);
}

function describeProgress({ filesWritten, files, rows }: ReprojectProgress): string {
  return `${filesWritten}/${files} files written, ${rows} rows`;
}

function factsOf({ version, files, rows, bases }: ReprojectedTable) {
  return {
    ...{ version, files, rows },
    bases: bases.map(({ model, run, basis }) => ({
      ...{ model, run, version: basis.version, components: basis.componentCount, rows: basis.rowCount },
    })),
  };
}

function printResult({ version, files, rows, bases }: ReprojectedTable, isDryRun: boolean): void {
  for (const { model, run, basis } of bases) {
    const { componentCount, rowCount } = basis;
    print(`${model}, run ${run}: basis ${basis.version} of ${componentCount} components, from ${rowCount} rows`);
  }
  const counts = `${rows} rows in ${files} files`;
  if (bases.length === 0) print("there is no basis yet: a first one takes two rows");
  else if (files === 0) print(`version ${version}: every row has the coordinates of its basis`);
  else if (isDryRun) print(`version ${version}: ${counts} would be written anew; nothing was changed`);
  else print(`version ${version}: ${counts} were written anew`);
}
