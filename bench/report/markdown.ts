import type { Machine } from "../measure/machine.ts";
import type { BenchReport, Cell, FigureTable } from "./bench-report.ts";

/** A bench's report as Markdown. Plots are images beside it, `<name>.svg`. */
export function formatReport(title: string, report: BenchReport, machine: Machine): string {
  const { method, tables, plots, notes } = report;
  return `${[
    `# ${title}`,
    method,
    describe(machine),
    ...tables.map(formatTable),
    ...plots.map(({ name, caption }) => `![${caption}](${name}.svg)`),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
  ].join("\n\n")}\n`;
}

/** A number with three significant digits, large ones in full: 0.0123, 1.23, 275, 20,480. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 9) });
}

/** A measurement of several rounds as its median and, in parentheses, its smallest and largest round. */
export function formatCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "string") return cell.replaceAll("|", "\\|");
  if (typeof cell === "number") return formatNumber(cell);
  const { median, min, max, rounds } = cell;
  return rounds.length === 1
    ? formatNumber(median)
    : `${formatNumber(median)} (${formatNumber(min)} to ${formatNumber(max)})`;
}

function formatTable({ caption, columns, rows }: FigureTable): string {
  const aligned = columns.map((_, index) => (rows.every((row) => typeof row[index] === "string") ? "---" : "---:"));
  const lines = [columns, aligned, ...rows.map((row) => row.map(formatCell))];
  return `${caption}\n\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`;
}

function describe({ cpu, cores, memoryGiB, system, node, loadBefore, measuredAt }: Machine): string {
  const when = measuredAt.slice(0, 16).replace("T", " ");
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}; ${when} UTC, load before ${loadBefore}. Where there were several rounds: median (smallest to largest).`;
}
