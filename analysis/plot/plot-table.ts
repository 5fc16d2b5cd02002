import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { findSubject } from "#analysis/vectors/find-subject.ts";
import { readCoordinates, requireNewestBasis } from "#analysis/vectors/read-vectors.ts";
import type { Basis } from "#lib/pca/basis.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { makeOutputFolder } from "#lib/runtime/output-folder.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";
import { PointSample } from "./point-sample.ts";
import { renderPng, renderSvg } from "./render-chart.ts";
import { scatterChart } from "./scatter-chart.ts";
import { screeChart } from "./scree-chart.ts";

export interface PlotRequest {
  /** Undefined for the table's only one. */
  readonly model: string | undefined;
  readonly run: string;
  readonly folder: string;
  /** The components along the axes of the scatter, from 1; the first two by default. */
  readonly components?: readonly [number, number];
  /** Whether many labels are grouped by their first word; they are by default. */
  readonly groups?: boolean;
  readonly format?: PlotFormat;
}

export type PlotFormat = "svg" | "png";

/** What was drawn. */
export interface Plots {
  readonly table: string;
  readonly version: number;
  readonly model: string;
  readonly run: string;
  readonly rows: number;
  /** Of the rows, those that are points of the scatter. */
  readonly points: number;
  /** Of the rows, those that an older basis had projected. */
  readonly reprojectedRows: number;
  readonly basis: number;
  readonly explainedVarianceRatio: readonly number[];
  readonly files: readonly string[];
}

/**
 * Draws the PCA of a model's rows as `pca-scatter` and `pca-scree`. All rows are shown in the newest basis: those that an
 * older one has projected are projected anew. Holds one data file and at most POINTS_MAX points at a time.
 *
 * @throws usage when the table has no such rows, or its basis not the components; invalid-table when it has no basis.
 */
export async function plotTable(named: NamedTable, request: PlotRequest): Promise<Plots> {
  const { folder, components = FIRST_TWO, groups: mayGroup = true, format = "svg" } = request;
  const { table, place } = named;
  const subject = findSubject(named, request.model, request.run);
  const basis = await requireNewestBasis(table, subject);
  const ratios = ratiosOf(basis, components);
  const [x, y] = [components[0] - 1, components[1] - 1];
  const sample = new PointSample();
  let reprojectedRows = 0;
  for await (const { label, vector, reprojected } of readCoordinates(table, subject, basis)) {
    sample.offer({ x: vector[x]!, y: vector[y]!, label });
    reprojectedRows += Number(reprojected);
  }

  const { points, rows, rowsByLabel } = sample;
  const { model, run } = subject;
  const count = points.length < rows ? `${points.length} drawn of ${rows} rows` : `${rows} rows`;
  const subtitle = `${model}, run ${run}: ${count}, basis ${basis.version}`;
  const scree = `${model}, run ${run}: basis ${basis.version}, from ${basis.rowCount} rows`;
  const explainedVarianceRatio = [...basis.explainedVarianceRatio];
  await makeOutputFolder(folder, "--out");
  const draw = async (name: string, chart: TopLevelSpec) => {
    const path = join(folder, `${name}.${format}`);
    const svg = await renderSvg(chart);
    await writeFile(path, format === "png" ? await renderPng(svg) : svg);
    return path;
  };
  const files = [
    await draw("pca-scatter", scatterChart({ points, rowsByLabel, components, ratios, mayGroup, subtitle })),
    await draw("pca-scree", screeChart(explainedVarianceRatio, scree)),
  ];
  const origin = { table: place, version: table.snapshot.version, model, run };
  const counts = { rows, points: points.length, reprojectedRows };
  return { ...origin, ...counts, basis: basis.version, explainedVarianceRatio, files };
}

const FIRST_TWO = [1, 2] as const;

function ratiosOf(basis: Basis, components: readonly [number, number]): [number, number] {
  const { explainedVarianceRatio, componentCount, version } = basis;
  if (componentCount < 2) {
    const problem = `basis ${version} has ${componentCount} component, and a scatter needs two`;
    throw new FruitstreamError("usage", `${problem}; set REDUCER_COMPONENTS to 2 or more`);
  }
  const missing = components.find((component) => component > componentCount);
  if (missing === undefined)
    return [explainedVarianceRatio[components[0] - 1]!, explainedVarianceRatio[components[1] - 1]!];
  const problem = `basis ${version} has ${componentCount} components, and --components asks for ${missing}`;
  throw new FruitstreamError("usage", problem);
}
