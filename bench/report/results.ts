import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { renderSvg } from "#analysis/plot/render-chart.ts";
import type { Machine } from "../measure/machine.ts";
import type { BenchReport } from "./bench-report.ts";

/** Writes a bench's report as `<name>.md`, and its plots beside it. */
export async function writeReport(folder: string, name: string, text: string, report: BenchReport): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.md`), text);
  for (const plot of report.plots) await writeFile(join(folder, `${plot.name}.svg`), await renderSvg(plot.spec));
}

/** All that a run has found so far. */
export interface Figures {
  readonly machine: Machine;
  readonly options: object;
  readonly reports: Readonly<Record<string, BenchReport>>;
  /** By bench, why it has no report. */
  readonly failures: Readonly<Record<string, string>>;
}

/** Without the plots: they show what the tables hold. */
export async function writeFigures(path: string, { machine, options, reports, failures }: Figures): Promise<void> {
  const benches = Object.fromEntries(
    Object.entries(reports).map(([name, { method, tables, notes }]) => [name, { method, tables, notes }]),
  );
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ machine, options, benches, failures }, null, 2)}\n`);
}
