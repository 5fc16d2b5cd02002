import { resolve } from "node:path";
import { Command } from "commander";
import { exportInOneBasis } from "#ops/table/export-in-one-basis.ts";
import { openNamedTable, TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { readTableFacts, type TableFacts } from "#ops/table/table-facts.ts";
import { cliDeps } from "./cli-deps.ts";
import { type OutputFlags, print, printJson, tell, withJson } from "./output.ts";
import { addTableCheck } from "./table-check-command.ts";
import { addTableMaintenance } from "./table-maintain-command.ts";
import { addTableReproject } from "./table-reproject-command.ts";

/** `fruitstream table …`: looks at a table and keeps it well, without any other tool. */
export function tableCommand(): Command {
  const table = new Command("table").description("inspect, copy, maintain or check the table");
  withJson(table.command("show"))
    .description("print version, rows by partition, consumed offsets and PCA bases")
    .argument("[table]", TABLE_PLACES)
    .action(runShow);
  withJson(table.command("export"))
    .description("copy the newest version into a local folder, as a Delta table of its own, in the newest PCA basis")
    .argument("<folder>", "an empty or a new folder")
    .option("--table <place>", TABLE_PLACES)
    .action(runExport);
  addTableMaintenance(table);
  addTableReproject(table);
  addTableCheck(table);
  return table;
}

async function runShow(place: string | undefined, { json }: OutputFlags): Promise<void> {
  await using opened = await openNamedTable(place, cliDeps);
  const facts = await readTableFacts(opened);
  if (json) printJson(facts);
  else printFacts(facts);
}

function printFacts({ table, version, files, rows, partitions, offsets, bases }: TableFacts): void {
  print(`version ${version}, ${files} files, ${rows} rows`);
  if (partitions.length > 0) console.table(partitions);
  print("next offsets, and high-water marks of the source partitions:");
  for (const [appId, offset] of Object.entries(offsets)) print(`  ${appId}  ${offset}`);
  print("newest PCA bases:");
  for (const { model, run, version, rows, explainedVarianceRatio } of bases) {
    const ratio = explainedVarianceRatio.map((value) => value.toFixed(4)).join(" ");
    print(`  ${model} ${run}: version ${version}, from ${rows} rows, ratio ${ratio}`);
  }
  const staleRows = bases.reduce((sum, basis) => sum + basis.staleRows, 0);
  if (staleRows === 0) return;
  tell(
    `${staleRows} rows lie in files with coordinates of other bases, which can't be compared with those of the newest;`,
  );
  tell(`fruitstream table reproject ${table} puts all rows into one`);
}

async function runExport(folder: string, { table, json }: OutputFlags & { table?: string }): Promise<void> {
  await using opened = await openNamedTable(table, cliDeps);
  const target = resolve(folder);
  const summary = await exportInOneBasis(opened.table, target, cliDeps);
  if (json) return printJson({ table: opened.place, ...summary, folder: target });
  const { version, files, bytes, reprojectedRows } = summary;
  print(`version ${version}: ${files} data files, ${bytes} bytes with the log, in ${target}`);
  if (reprojectedRows > 0) print(`${reprojectedRows} rows were written anew, in the newest PCA basis`);
}
