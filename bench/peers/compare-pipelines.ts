import { join } from "node:path";
import { findJava } from "../../stack/java-tools.ts";
import { type BenchContext, sized } from "../bench.ts";
import { measureThroughput } from "../end-to-end/measure-throughput.ts";
import { interleave, type Sides } from "../measure/interleave.ts";
import { type Summary, summariseBy } from "../measure/statistics.ts";
import { type SamplePhoto, uploadPhotos } from "../pipeline/photo-sample.ts";
import { findBestLayout } from "../raw/raw.ts";
import { measureRaw } from "../raw/raw-limit.ts";
import type { Python } from "./python.ts";

/** The batch pipeline that this one replaces. */
export const TENSORFLOW_WAY = "PySpark, pandas UDF, TensorFlow, MLlib PCA, Parquet";

/** One way to come from photos to features, and how fast it was. */
export interface Way {
  readonly name: string;
  readonly photosPerSecond: Summary;
  /** From the start of its process; undefined where the start is not a part of it. */
  readonly photosPerSecondFromStart: Summary | undefined;
}

interface Rate {
  readonly photosPerSecond: number;
  readonly fromStart: number | undefined;
}

/** The pipeline and what is used in its place, in turns over the same photos, with the same weights. */
export async function comparePipelines(
  context: BenchContext,
  python: Python,
  { sample, folder }: { readonly sample: readonly SamplePhoto[]; readonly folder: string },
): Promise<{ ways: Way[]; notes: string[] }> {
  const { store } = await context.stack();
  const photos = await uploadPhotos(store, "peers", sample);
  const count = sample.length;
  const model = context.modelFolder;
  const layout = await findBestLayout(context);
  const notes: string[] = [];
  let output = 0;

  const spark = async (runtime: string): Promise<Rate> => {
    const args = [runtime, model, folder, join(context.workFolder, `spark-${output++}`)];
    const { output: result, seconds } = await python.run("spark_pipeline.py", args);
    const { rows, seconds: workSeconds } = result as { rows: number; seconds: number };
    return { photosPerSecond: rows / workSeconds, fromStart: rows / seconds };
  };
  const sides: Record<string, () => Promise<Rate>> = {
    "ONNX Runtime alone": async () => {
      const durationMs = sized(context, 5_000, 500);
      return {
        photosPerSecond: (await measureRaw(context.model, { ...layout, durationMs })).photosPerSecond,
        fromStart: undefined,
      };
    },
    "this pipeline": async () => {
      const warmUpPhotos = sized(context, 200, 20);
      const round = await measureThroughput(context, { name: "peers", photos, count, warmUpPhotos });
      return { photosPerSecond: round.photosPerSecondSteady, fromStart: round.photosPerSecondFromStart };
    },
    "Python, ONNX Runtime and Pillow, local files": async () => {
      const args = [model, folder, String(context.cores), String(sized(context, 2_400, 100))];
      const { output: result } = await python.run("two_processes.py", args);
      const { photos: done, seconds } = result as { photos: number; seconds: number };
      return { photosPerSecond: done / seconds, fromStart: undefined };
    },
  };
  const hasJava = await findJava(process.env).catch(
    (error: Error) => void notes.push(`Spark is left out: ${error.message}.`),
  );
  if (hasJava) {
    sides["PySpark, pandas UDF, ONNX Runtime, MLlib PCA, Parquet"] = () => spark("onnx");
    const check = await checkNetworks(context, python, folder);
    notes.push(check.note);
    if (check.isEqual) sides[TENSORFLOW_WAY] = () => spark("tensorflow");
  }
  const rounds = await interleave(sized(context, 3, 1), sides as Sides, (side, round) =>
    context.tell(`peers: ${side}, round ${round}`),
  );
  const ways = Object.entries(rounds as Record<string, Rate[]>).map(([name, rates]) => ({
    name,
    photosPerSecond: summariseBy(rates, (rate) => rate.photosPerSecond),
    photosPerSecondFromStart: rates.every(({ fromStart }) => fromStart !== undefined)
      ? summariseBy(rates, ({ fromStart }) => fromStart!)
      : undefined,
  }));
  return { ways, notes };
}

/** Features that differ by more come from other weights. */
const DIFFERENCE_MAX = 1e-3;

async function checkNetworks({ modelFolder, signal }: BenchContext, python: Python, folder: string) {
  try {
    const { output } = await python.run("check_networks.py", [modelFolder, folder]);
    const { maxDifference } = output as { maxDifference: number };
    const isEqual = maxDifference <= DIFFERENCE_MAX;
    const verdict = isEqual ? "" : "; TensorFlow is left out";
    return {
      isEqual,
      note: `Features of Keras' MobileNetV2 with the model's weights differ by at most ${maxDifference.toExponential(1)}${verdict}.`,
    };
  } catch (error) {
    signal.throwIfAborted();
    return { isEqual: false, note: `TensorFlow is left out: ${(error as Error).message}.` };
  }
}
