import { relative } from "node:path";
import type { DemoResult } from "./demo-result.ts";

const MIB = 1_048_576;

/** What a person wants to know after a demo: counts, speed, variance, a few rows, and how to open the table. */
export function printSummary(result: DemoResult): void {
  const { isSynthetic, photos, skipped, rows, deadLetters, seconds, basis, rssPeakBytes } = result;
  const lines = [
    "",
    `photos        ${photos}${isSynthetic ? " synthetic ones" : ""} announced${skipped > 0 ? `, ${skipped} other files passed over` : ""}`,
    `rows          ${rows}`,
    `dead letters  ${deadLetters.length}`,
    `throughput    ${photosPerSecond(result)} photos/s, ${seconds.toFixed(1)} s from the start of the upload to the last commit`,
  ];
  if (basis) {
    const total = basis.explainedVarianceRatio.reduce((sum, value) => sum + value, 0);
    const ratio = [...basis.explainedVarianceRatio].map((value) => value.toFixed(4)).join("  ");
    lines.push(
      `PCA           ${basis.componentCount} components explain ${(100 * total).toFixed(1)} % of the variance`,
    );
    lines.push(`              ${ratio}`);
  }
  const memory = Object.entries(rssPeakBytes).map(([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)} MiB`);
  lines.push(`peak memory   ${memory.join(", ")}`);
  console.log(lines.join("\n"));

  if (deadLetters.length > 0) {
    console.log("\ndead letters:");
    for (const { reason, uri, detail } of deadLetters) console.log(`  ${reason.padEnd(18)} ${uri ?? "?"}: ${detail}`);
  }
  printRows(result);
  printHowToOpen(result);
}

/** The counts as one line of JSON, for programs. */
export function printJson(result: DemoResult): void {
  const { photos, isSynthetic, rows, deadLetters, tableVersion, tableUri, basis } = result;
  console.log(
    JSON.stringify({
      photos,
      synthetic: isSynthetic,
      rows,
      deadLetters: deadLetters.length,
      photosPerSecond: photosPerSecond(result),
      tableVersion,
      tableUri,
      explainedVarianceRatio: basis ? [...basis.explainedVarianceRatio] : [],
    }),
  );
}

function photosPerSecond({ photos, seconds }: DemoResult): number {
  return Number((photos / seconds).toFixed(1));
}

function printRows({ sampleRows }: DemoResult): void {
  console.log("\na few rows:");
  for (const row of sampleRows) {
    const label = String(row.label ?? "-").padEnd(20);
    const coordinates = [...((row.pca_features as Float32Array | null) ?? [])].map((value) => value.toFixed(2));
    console.log(`  ${label} [${coordinates.join(", ")}]  ${String(row.path)}`);
  }
}

function printHowToOpen({ tableUri, tableVersion, exportFolder, plots, logFolder }: DemoResult): void {
  const folder = relative(process.cwd(), exportFolder) || ".";
  const plotted =
    "folder" in plots
      ? `${relative(process.cwd(), plots.folder)}/pca-scatter.svg, pca-scree.svg`
      : `none: ${plots.lacking}`;
  console.log(`
table         ${tableUri}, version ${tableVersion}
copy          ${folder}
plots         ${plotted}
logs          ${relative(process.cwd(), logFolder)}

open the copy with DuckDB:
  duckdb -c "SELECT label, count(*) FROM read_parquet('${folder}/model=*/**/*.parquet', hive_partitioning = true, hive_types = {'dt': DATE, 'hour': INTEGER}) GROUP BY label"
with pandas (pip install deltalake pandas):
  python -c "from deltalake import DeltaTable; print(DeltaTable('${folder}').to_pandas().head())"`);
}
