import { relative } from "node:path";
import { formatSkipped } from "#cli/format-progress.ts";
import type { DemoResult } from "./demo-result.ts";
import { readerLines } from "./reader-lines.ts";

const MIB = 1_048_576;

/**
 * What a person wants to know after a demo: counts, speed, variance, a few rows, and how to open the table.
 *
 * @param cwd where the person is: paths are relative to it.
 */
export function describeDemo(result: DemoResult, cwd: string): string {
  return [describeCounts(result), ...describeLetters(result), describeRows(result), describeWays(result, cwd)].join(
    "\n",
  );
}

/** The counts, for programs. */
export function demoFacts(result: DemoResult) {
  const { photos, isSynthetic, skipped, skippedByKind, failed, rows, deadLetters, seconds } = result;
  const { tableVersion, tableFolder, origin, basis } = result;
  return {
    table: tableFolder,
    version: tableVersion,
    tableUri: origin?.uri ?? null,
    photos,
    synthetic: isSynthetic,
    skipped,
    skippedByKind,
    failed,
    rows,
    deadLetters: deadLetters.length,
    seconds,
    photosPerSecond: photosPerSecond(result),
    explainedVarianceRatio: basis ? [...basis.explainedVarianceRatio] : [],
  };
}

function describeCounts(result: DemoResult): string {
  const { isSynthetic, photos, skipped, skippedByKind, failed, rows, deadLetters } = result;
  const { seconds, basis, rssPeakBytes } = result;
  const lines = [
    "",
    `photos        ${photos}${isSynthetic ? " synthetic ones" : ""} announced`,
    ...(skipped > 0 ? [`skipped       ${formatSkipped(skippedByKind)}`] : []),
    ...(failed > 0 ? [`not taken     ${failed}`] : []),
    `rows          ${rows}`,
    `dead letters  ${deadLetters.length}`,
    `throughput    ${photosPerSecond(result)} photos/s, ${seconds.toFixed(1)} s from the first announcement to the last commit`,
  ];
  if (basis) {
    const ratios = [...basis.explainedVarianceRatio];
    const total = ratios.reduce((sum, value) => sum + value, 0);
    lines.push(
      `PCA           ${basis.componentCount} components explain ${(100 * total).toFixed(1)} % of the variance`,
      `              ${ratios.map((value) => value.toFixed(4)).join("  ")}`,
    );
  }
  const memory = Object.entries(rssPeakBytes).map(([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)} MiB`);
  return [...lines, `peak memory   ${memory.join(", ")}`].join("\n");
}

function describeLetters({ deadLetters }: DemoResult): string[] {
  if (deadLetters.length === 0) return [];
  const lines = deadLetters.map(({ reason, uri, detail }) => `  ${reason.padEnd(18)} ${uri ?? "?"}: ${detail}`);
  return ["\ndead letters:", ...lines];
}

function describeRows({ sampleRows }: DemoResult): string {
  const lines = sampleRows.map((row) => {
    const label = String(row.label ?? "-").padEnd(20);
    const coordinates = [...((row.pca_features as Float32Array | null) ?? [])].map((value) => value.toFixed(2));
    return `  ${label} [${coordinates.join(", ")}]  ${String(row.path)}`;
  });
  return ["\na few rows:", ...lines].join("\n");
}

function describeWays({ tableVersion, tableFolder, origin, plots, logFolder }: DemoResult, cwd: string): string {
  const folder = relative(cwd, tableFolder) || ".";
  const plotted =
    "folder" in plots ? `${relative(cwd, plots.folder)}/pca-scatter.svg, pca-scree.svg` : `none: ${plots.lacking}`;
  const stopped = origin?.isStopped ? "; its server is stopped: npx fruitstream stack up starts it again" : "";
  const ways = readerLines(folder).map(({ tool, packages, command }) => {
    const install = packages.map((name) => `"${name}"`).join(" ");
    return `with ${tool} (pip install ${install}):\n  ${command}`;
  });
  return [
    "",
    `table         ${folder}, version ${tableVersion}`,
    ...(origin ? [`also          ${origin.uri}${stopped}`] : []),
    `plots         ${plotted}`,
    `logs          ${relative(cwd, logFolder)}`,
    "",
    "open the table with Fruitstream:",
    `  npx fruitstream table show ${folder}`,
    ...ways,
  ].join("\n");
}

function photosPerSecond({ photos, seconds }: DemoResult): number {
  return Number((photos / seconds).toFixed(1));
}
