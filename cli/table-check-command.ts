import type { Command } from "commander";
import { type FindingCode, severityOf, type TableFinding } from "#lib/table/check/table-finding.ts";
import { checkNamedTable, type NamedTableCheck } from "#ops/table/check-named-table.ts";
import { TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { JsonList, type OutputFlags, print, withJson } from "./output.ts";

/** A person reads so many of a kind; `--json` has all of them. */
const SHOWN_MAX = 20;

/** `fruitstream table check`: does the table hold what it promises? */
export function addTableCheck(table: Command): void {
  withJson(table.command("check"))
    .description("compare log, files, statistics, rows, marks, repeats, bases and moments; exits with 4 on an error")
    .argument("[table]", TABLE_PLACES)
    .option("--quick", "read the log and a listing of the files, but no data file", false)
    .action(runCheck);
}

async function runCheck(
  place: string | undefined,
  { quick: isQuick, json }: OutputFlags & { readonly quick: boolean },
): Promise<void> {
  const shown = new Map<FindingCode, number>();
  const list = json ? new JsonList("findings") : undefined;
  const onFinding = (finding: TableFinding) => {
    const count = (shown.get(finding.code) ?? 0) + 1;
    shown.set(finding.code, count);
    if (list) list.add({ severity: severityOf(finding), ...finding });
    else if (count <= SHOWN_MAX) print(formatFinding(finding));
  };
  const result = await checkNamedTable(place, cliDeps, onFinding, { isQuick });
  if (list) list.end(result);
  else printResult(result, shown, isQuick);
  if (result.errors > 0) process.exitCode = EXIT.found;
}

function formatFinding(finding: TableFinding): string {
  const { code, where, detail } = finding;
  return `${severityOf(finding)} ${code}: ${where === "" ? "" : `${where}: `}${detail}`;
}

function printResult(result: NamedTableCheck, shown: ReadonlyMap<FindingCode, number>, isQuick: boolean): void {
  for (const [code, count] of shown) {
    if (count > SHOWN_MAX) print(`… and ${count - SHOWN_MAX} more of ${code}; --json has all`);
  }
  const { table, version, files, rows, errors, warnings, notes } = result;
  print(`${table} version ${version}: ${files} files, ${rows} rows${isQuick ? ", none of them read" : ""}`);
  print(`${errors} errors, ${warnings} warnings, ${notes} notes`);
}
