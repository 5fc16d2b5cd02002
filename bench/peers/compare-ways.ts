import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { type BenchContext, sized } from "../bench.ts";
import { repeatSample, type SamplePhoto } from "../pipeline/photo-sample.ts";
import type { FigureTable, Plot } from "../report/bench-report.ts";
import { lineChart } from "../report/charts.ts";
import type { SparkRuntime } from "./compare-pipelines.ts";
import type { Python } from "./python.ts";

const COUNTS = { full: [100, 500, 1_000, 2_000, 3_000], usual: [100, 300], quick: [20, 40] };
const SIDE = 192;
/** Keras builds its network for any side; an ONNX file may have its own fixed, so that photos are resized to it (0). */
const NETWORKS = { tensorflow: { name: "TensorFlow", side: SIDE }, onnx: { name: "ONNX Runtime", side: 0 } };

interface WayTime {
  readonly count: number;
  readonly way: string;
  readonly seconds: number;
}

/** The classic three: a pandas UDF and a Python UDF of Spark, and a plain loop, by number of photos. */
export async function compareWays(
  context: BenchContext,
  python: Python,
  sample: readonly SamplePhoto[],
  runtime: SparkRuntime,
): Promise<{ table: FigureTable; plot: Plot }> {
  const counts = sized(context, COUNTS);
  const folder = await writeSquares(context, sample, Math.max(...counts));
  context.tell(`peers: three ways at ${counts.join(", ")} photos`);
  const { name, side } = NETWORKS[runtime];
  const args = [runtime, context.modelFolder, folder, String(side), counts.join(",")];
  const times = (await python.run("three_ways.py", args)).output as WayTime[];
  const ways = [...new Set(times.map(({ way }) => way))];
  const timeOf = (count: number, way: string) =>
    times.find((time) => time.count === count && time.way === way)!.seconds;
  return {
    table: {
      caption: `Three ways to featurize photos of ${SIDE} × ${SIDE} with Python and ${name}, in seconds; Spark and the networks are started and warm.`,
      columns: ["photos", ...ways],
      rows: counts.map((count) => [count, ...ways.map((way) => timeOf(count, way))]),
    },
    plot: {
      name: "peers-three-ways",
      caption: "Seconds by number of photos: pandas UDF, Python UDF, plain loop",
      spec: lineChart(
        "Three ways with Python",
        { x: "photos", y: "seconds" },
        times.map(({ count, way, seconds }) => ({ x: count, y: seconds, series: way })),
      ),
    },
  };
}

/** The sample at one size, again and again, until there are enough files. */
async function writeSquares(
  { workFolder }: BenchContext,
  sample: readonly SamplePhoto[],
  count: number,
): Promise<string> {
  const folder = join(workFolder, `photos-${SIDE}`);
  for (const { name, bytes } of repeatSample(sample, count)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await sharp(bytes).resize(SIDE, SIDE, { fit: "fill" }).jpeg().toBuffer());
  }
  return folder;
}
