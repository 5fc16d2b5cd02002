import type { Command } from "commander";
import type { CompactionSummary } from "#lib/table/operations/compact-table.ts";
import type { MaintenanceRound } from "#lib/table/operations/maintain-table.ts";
import { FILE_BYTES_MAX } from "#lib/table/operations/plan-compaction.ts";
import type { TableVersion } from "#lib/table/operations/read-history.ts";
import type { VacuumedFile } from "#lib/table/operations/vacuum-table.ts";
import {
  compactNamedTable,
  maintainNamedTable,
  planNamedCompaction,
  readNamedHistory,
  vacuumNamedTable,
} from "#ops/table/maintain-named-table.ts";
import { TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";
import { JsonList, type OutputFlags, print, printJson, tell, withJson } from "./output.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

const MIB = 1_048_576;

/** `fruitstream table maintain|compact|vacuum|history`: what keeps a table well. */
export function addTableMaintenance(table: Command): void {
  withJson(table.command("maintain"))
    .description("compact, drop repeated photo versions, write a checkpoint, clean the log and vacuum")
    .argument("[table]", TABLE_PLACES)
    .option("--watch", "go on until Ctrl-C, as the maintainer service does; --json prints a line for each round", false)
    .action(runMaintain);
  withJson(table.command("compact"))
    .description("make few files of many at once, also in partitions that are still written to")
    .argument("[table]", TABLE_PLACES)
    .option("--file-mb <n>", "about what a file has then, in MiB", wholeNumberOption(1, 1_024), FILE_BYTES_MAX / MIB)
    .option("--dry-run", "print what would be done, and do nothing", false)
    .action(runCompact);
  withJson(table.command("vacuum"))
    .description("delete files that no version within delta.deletedFileRetentionDuration needs")
    .argument("[table]", TABLE_PLACES)
    .option("--dry-run", "print the files that would go, and delete nothing", false)
    .action(runVacuum);
  withJson(table.command("history"))
    .description("print the newest versions: when, by whom, and what they did")
    .argument("[table]", TABLE_PLACES)
    .option("--limit <n>", "so many versions", wholeNumberOption(1, 1_000_000), 20)
    .action(runHistory);
}

async function runMaintain(
  place: string | undefined,
  { watch: watches, json }: OutputFlags & { readonly watch: boolean },
): Promise<void> {
  const onRound = (round: MaintenanceRound) => (json ? printJson(round) : print(formatRound(round)));
  const onStep = (step: string) => {
    if (!watches) tell(`${step} …`);
  };
  await interruptible((signal) => maintainNamedTable(place, cliDeps, { watches, onStep, onRound, signal }));
  if (watches) process.exitCode = 0;
}

async function runCompact(
  place: string | undefined,
  { fileMb, dryRun, json }: OutputFlags & { readonly fileMb: number; readonly dryRun: boolean },
): Promise<void> {
  const fileBytesMax = fileMb * MIB;
  if (dryRun) {
    const plan = await planNamedCompaction(place, cliDeps, fileBytesMax);
    if (json) return printJson(plan);
    return print(`${plan.files} files of ${formatBytes(plan.bytes)} would become ${plan.groups}`);
  }
  const onProgress = (summary: CompactionSummary) => tell(formatCompaction(summary));
  const done = await interruptible((signal) => compactNamedTable(place, cliDeps, { fileBytesMax, onProgress, signal }));
  if (!done) return;
  if (json) return printJson(done);
  print(`version ${done.version}: ${formatCompaction(done)}`);
  for (const { path, reason } of done.left) print(`left ${path}: ${reason}`);
}

async function runVacuum(
  place: string | undefined,
  { dryRun, json }: OutputFlags & { readonly dryRun: boolean },
): Promise<void> {
  const list = json ? new JsonList("vacuumed") : undefined;
  const onFile = (file: VacuumedFile) => {
    if (list) list.add(file);
    else print(`${file.path}  ${formatBytes(file.bytes)}, ${file.wasRemoved ? "removed" : "never named"}`);
  };
  const summary = await vacuumNamedTable(place, cliDeps, dryRun, onFile);
  if (list) return list.end(summary);
  const { files, bytes, keptFiles, keptBytes, retentionMs } = summary;
  print(`${files} files of ${formatBytes(bytes)} ${dryRun ? "would be deleted" : "deleted"}`);
  const hours = retentionMs / 3_600_000;
  print(`${keptFiles} files of ${formatBytes(keptBytes)} are kept for readers of versions of the last ${hours} hours`);
}

async function runHistory(
  place: string | undefined,
  { limit, json }: OutputFlags & { readonly limit: number },
): Promise<void> {
  const history = await readNamedHistory(place, cliDeps, limit);
  if (json) return printJson(history);
  for (const version of history.versions) print(formatVersion(version));
}

function formatRound({ version, files, compaction, repeats, checkpoint, log, vacuum }: MaintenanceRound): string {
  const parts = [
    `version ${version}, ${files} files: ${formatCompaction(compaction)}`,
    ...(repeats?.rows ? [`${repeats.rows} repeated rows dropped`] : []),
    ...(checkpoint === undefined ? [] : [`checkpoint of version ${checkpoint}`]),
    ...(log?.removedFiles ? [`${log.removedFiles} files of the log removed`] : []),
    ...(vacuum ? [`${vacuum.files} files of ${formatBytes(vacuum.bytes)} vacuumed`] : []),
  ];
  return parts.join("; ");
}

function formatCompaction(summary: CompactionSummary): string {
  const { removedFiles, removedBytes, addedFiles, addedBytes, conflicts, isOverridden, left } = summary;
  if (isOverridden) return "another maintainer is at work";
  const done = `${removedFiles} files of ${formatBytes(removedBytes)} became ${addedFiles} of ${formatBytes(addedBytes)}`;
  const rest = [
    ...(conflicts.length > 0 ? [`${conflicts.length} conflicts`] : []),
    ...(left.length > 0 ? [`${left.length} files left as they are`] : []),
  ];
  return [done, ...rest].join(", ");
}

function formatVersion({ version, timeMs, operation, addedFiles, removedFiles, engine }: TableVersion): string {
  const time = timeMs === null ? "at an unknown time" : new Date(timeMs).toISOString();
  return `${version}  ${time}  ${operation ?? "?"}  +${addedFiles} -${removedFiles} files  ${engine ?? ""}`.trimEnd();
}

function formatBytes(bytes: number): string {
  return bytes < MIB ? `${Math.ceil(bytes / 1_024)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}
