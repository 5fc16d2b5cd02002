import { join } from "node:path";
import { findJava } from "#stack/java-tools.ts";
import { type BenchContext, sized } from "../bench.ts";
import { measureThroughput } from "../end-to-end/measure-throughput.ts";
import { interleave, type Sides } from "../measure/interleave.ts";
import { type Summary, summariseBy } from "../measure/statistics.ts";
import { type SamplePhoto, uploadPhotos } from "../pipeline/photo-sample.ts";
import { findBestLayout } from "../raw/raw.ts";
import { measureRaw } from "../raw/raw-limit.ts";
import type { Python } from "./python.ts";

/** One way to come from photos to features, and how fast it was. */
export interface Way {
  readonly name: string;
  readonly photosPerSecond: Summary;
  /** From the start of its process; undefined where the start is not a part of it. */
  readonly photosPerSecondFromStart: Summary | undefined;
}

export interface Comparison {
  readonly ways: readonly Way[];
  /** What Spark can run here: nothing without Java, and no TensorFlow where its features are others or it is missing. */
  readonly sparkRuntimes: readonly SparkRuntime[];
  readonly notes: readonly string[];
}

export type SparkRuntime = "onnx" | "tensorflow";

/** Names of ways. */
export const OURS = "this pipeline";
export const OURS_AS_STREAM = "this pipeline, as a stream";
/** Announced of a stream. */
export const STREAM_PHOTOS = { full: 6_000, usual: 6_000, quick: 300 };

interface Rate {
  readonly photosPerSecond: number;
  readonly fromStart: number | undefined;
}

/** The pipeline and what is used in its place, in turns over the same photos, with the same weights. */
export async function comparePipelines(
  context: BenchContext,
  python: Python,
  { sample, folder }: { readonly sample: readonly SamplePhoto[]; readonly folder: string },
): Promise<Comparison> {
  const { store } = await context.stack();
  const photos = await uploadPhotos(store, "peers", sample);
  const model = context.modelFolder;
  const layout = await findBestLayout(context);
  const notes: string[] = [];
  let output = 0;

  const spark = async (runtime: SparkRuntime): Promise<Rate> => {
    const args = [runtime, model, folder, join(context.workFolder, `spark-${output++}`)];
    const { output: result, seconds } = await python.run("spark_pipeline.py", args);
    const { rows, seconds: workSeconds } = result as { rows: number; seconds: number };
    return { photosPerSecond: rows / workSeconds, fromStart: rows / seconds };
  };
  const pipeline = async (count: number): Promise<Rate> => {
    const warmUpPhotos = sized(context, { full: 200, usual: 200, quick: 20 });
    const round = await measureThroughput(context, { name: "peers", photos, count, warmUpPhotos });
    return { photosPerSecond: round.photosPerSecondSteady, fromStart: round.photosPerSecondFromStart };
  };
  const sides: Record<string, () => Promise<Rate>> = {
    "ONNX Runtime alone": async () => {
      const durationMs = sized(context, { full: 5_000, usual: 5_000, quick: 500 });
      return {
        photosPerSecond: (await measureRaw(context.model, { ...layout, durationMs })).photosPerSecond,
        fromStart: undefined,
      };
    },
    [OURS]: () => pipeline(sample.length),
    // What the sample's few seconds can't show: a stream goes on while a window is committed.
    [OURS_AS_STREAM]: () => pipeline(sized(context, STREAM_PHOTOS)),
    "Python, ONNX Runtime and Pillow, local files": async () => {
      const args = [
        model,
        folder,
        String(context.cores),
        String(sized(context, { full: 2_400, usual: 1_200, quick: 100 })),
      ];
      const { output: result } = await python.run("two_processes.py", args);
      const { photos: done, seconds } = result as { photos: number; seconds: number };
      return { photosPerSecond: done / seconds, fromStart: undefined };
    },
  };
  const hasJava = await findJava(process.env).catch(
    (error: Error) => void notes.push(`Spark is left out: ${error.message}.`),
  );
  const sparkRuntimes: SparkRuntime[] = [];
  if (hasJava) {
    sparkRuntimes.push("onnx");
    sides["PySpark, pandas UDF, ONNX Runtime, MLlib PCA, Parquet"] = () => spark("onnx");
    const check = await checkNetworks(context, python, folder);
    notes.push(check.note);
    if (check.isEqual) {
      sparkRuntimes.push("tensorflow");
      // The batch pipeline that this one replaces.
      sides["PySpark, pandas UDF, TensorFlow, MLlib PCA, Parquet"] = () => spark("tensorflow");
    }
  }
  const rounds = await interleave(sized(context, { full: 3, usual: 2, quick: 1 }), sides as Sides, (side, round) =>
    context.tell(`peers: ${side}, round ${round}`),
  );
  const ways = Object.entries(rounds as Record<string, Rate[]>).map(([name, rates]) => ({
    name,
    photosPerSecond: summariseBy(rates, (rate) => rate.photosPerSecond),
    photosPerSecondFromStart: rates.every(({ fromStart }) => fromStart !== undefined)
      ? summariseBy(rates, ({ fromStart }) => fromStart!)
      : undefined,
  }));
  return { ways, sparkRuntimes, notes };
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
