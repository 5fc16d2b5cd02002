import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findSubject } from "#analysis/vectors/find-subject.ts";
import { readCoordinates, requireNewestBasis } from "#analysis/vectors/read-vectors.ts";
import type { Basis } from "#lib/pca/basis.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";
import { PointSample } from "./point-sample.ts";
import { renderSvg } from "./render-svg.ts";
import { scatterChart } from "./scatter-chart.ts";
import { screeChart } from "./scree-chart.ts";

export interface PlotRequest {
  /** Undefined for the table's only one. */
  readonly model: string | undefined;
  readonly run: string;
  readonly folder: string;
}

/**
 * Draws the PCA of a model's rows as `pca-scatter.svg` and `pca-scree.svg`. All rows are shown in the newest basis: those
 * that an older one has projected are projected anew. Holds one data file and at most POINTS_MAX points at a time.
 *
 * @throws usage when the table has no such rows, or its basis only one component; invalid-table when it has no basis.
 */
export async function plotTable(
  named: NamedTable,
  { model, run, folder }: PlotRequest,
  tell: (text: string) => void,
): Promise<void> {
  const { table } = named;
  const subject = findSubject(named, model, run);
  const basis = await requireNewestBasis(table, subject);
  const ratios = firstTwo(basis);
  const sample = new PointSample();
  let reprojectedRows = 0;
  for await (const { label, vector, reprojected } of readCoordinates(table, subject, basis)) {
    sample.offer({ x: vector[0]!, y: vector[1]!, label });
    reprojectedRows += Number(reprojected);
  }

  const { points, rows, rowsByLabel } = sample;
  const count = points.length < rows ? `${points.length} drawn of ${rows} rows` : `${rows} rows`;
  const subtitle = `${subject.model}, run ${subject.run}: ${count}, basis ${basis.version}`;
  const scree = `${subject.model}, run ${subject.run}: basis ${basis.version}, from ${basis.rowCount} rows`;
  await mkdir(folder, { recursive: true });
  const scatter = await renderSvg(scatterChart({ points, rowsByLabel, ratios, subtitle }));
  await writeFile(join(folder, "pca-scatter.svg"), scatter);
  await writeFile(join(folder, "pca-scree.svg"), await renderSvg(screeChart([...basis.explainedVarianceRatio], scree)));

  tell(subtitle);
  if (reprojectedRows > 0) tell(`${reprojectedRows} rows were projected by older bases, and are projected anew here`);
  tell(`pca-scatter.svg and pca-scree.svg written to ${folder}`);
}

function firstTwo({ explainedVarianceRatio, componentCount, version }: Basis): [number, number] {
  if (componentCount >= 2) return [explainedVarianceRatio[0]!, explainedVarianceRatio[1]!];
  const problem = `basis ${version} has ${componentCount} component, and a scatter needs two`;
  throw new FruitstreamError("usage", `${problem}; set REDUCER_COMPONENTS to 2 or more`);
}
