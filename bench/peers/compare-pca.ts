import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { computeBasis } from "#lib/pca/basis.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { momentsOfRows } from "#lib/pca/moments.ts";
import { joinVectors } from "#lib/table/join-vectors.ts";
import { type BenchContext, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { summarise, summariseBy } from "../measure/statistics.ts";
import type { SamplePhoto } from "../pipeline/photo-sample.ts";
import { vectorsOf } from "../pipeline/sample-vectors.ts";
import type { FigureTable } from "../report/bench-report.ts";
import type { Python } from "./python.ts";

const COMPONENTS = 8;

interface Difference {
  readonly varianceError: number;
  readonly subspaceCosine: number;
}

interface PcaResult {
  readonly batchSeconds: number;
  readonly incrementalSeconds: number;
  readonly incremental: Difference;
  readonly ours: Difference;
}

/** Our moments and basis against scikit-learn's batch and incremental PCA, over the sample's own vectors. */
export async function comparePca(
  context: BenchContext,
  python: Python,
  sample: readonly SamplePhoto[],
): Promise<FigureTable> {
  const vectors = (await vectorsOf(context, sample)).map(({ features }) => features);
  const dimensions = vectors[0]!.length;
  const values = joinVectors(vectors);
  const vectorsPath = join(context.workFolder, "vectors.f32");
  const basisPath = join(context.workFolder, "basis.json");
  await writeFile(vectorsPath, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const { components, explainedVariance } = (await ourBasis(values, dimensions)).basis;
  await writeFile(
    basisPath,
    JSON.stringify({ components: [...components], explainedVariance: [...explainedVariance] }),
  );

  const rounds = await interleave(
    sized(context, { full: 3, usual: 1, quick: 1 }),
    {
      ours: async () => (await ourBasis(values, dimensions)).seconds,
      theirs: async () => {
        const args = [vectorsPath, String(dimensions), basisPath];
        return (await python.run("pca.py", args)).output as PcaResult;
      },
    },
    (side, round) => context.tell(`peers: PCA, ${side}, round ${round}`),
  );
  const [{ ours, incremental }] = rounds.theirs as [PcaResult];
  return {
    caption: `PCA of ${values.length / dimensions} vectors of ${dimensions} values, k = ${COMPONENTS}, one thread; differences from scikit-learn's batch PCA (full SVD, float64): the largest relative error of a component's variance, and the cosine of the largest angle between the subspaces.`,
    columns: ["way", "seconds", "error of the variance", "cosine of the subspaces"],
    rows: [
      [
        "moments and basis of this pipeline",
        summarise(rounds.ours),
        ours.varianceError.toExponential(1),
        ours.subspaceCosine.toFixed(10),
      ],
      [
        "scikit-learn, IncrementalPCA, batches of 200",
        summariseBy(rounds.theirs, (round) => round.incrementalSeconds),
        incremental.varianceError,
        incremental.subspaceCosine.toFixed(3),
      ],
      ["scikit-learn, PCA", summariseBy(rounds.theirs, (round) => round.batchSeconds), "0", "1"],
    ],
  };
}

async function ourBasis(values: Float32Array, dimensions: number) {
  const kernel = await openMatrixKernel(1);
  try {
    const startedAtMs = performance.now();
    const basis = await computeBasis(await momentsOfRows(values, dimensions, kernel), COMPONENTS, kernel);
    return { basis, seconds: (performance.now() - startedAtMs) / 1_000 };
  } finally {
    await kernel.release();
  }
}
