import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Bench, type BenchContext, sized } from "../bench.ts";
import { type Summary, summarise } from "../measure/statistics.ts";
import { readSample, type SamplePhoto } from "../pipeline/photo-sample.ts";
import { barChart } from "../report/charts.ts";
import { comparePca } from "./compare-pca.ts";
import { comparePipelines, OURS, OURS_AS_STREAM, STREAM_PHOTOS, type Way } from "./compare-pipelines.ts";
import { compareWays } from "./compare-ways.ts";
import { findPython } from "./python.ts";

/** What one would use instead, on the same photos with the same weights. */
export const peersBench: Bench = {
  name: "peers",
  title: "Peers: what one would use instead",
  async run(context) {
    const python = await findPython(context);
    if (typeof python === "string") {
      return { method: "Not measured.", tables: [], plots: [], notes: [`Skipped: ${python}.`] };
    }
    const whole = await readSample(context.photosFolder);
    const sample = whole.slice(0, sized(context, { full: whole.length, usual: whole.length, quick: 300 }));
    const folder = await writeSample(context, sample);
    const { ways, sparkRuntimes, notes } = await comparePipelines(context, python, { sample, folder });
    const runtime = sparkRuntimes.at(-1);
    const three = runtime && (await compareWays(context, python, sample, runtime));
    const pca = await comparePca(context, python, sample);
    return {
      method: `The same ${sample.length} photos with the same weights on the same ${context.cores} cores, in turns. This pipeline: from keys on the topic to the last table commit, as in "end to end"; once of these photos alone, where starting and the last commit, with nothing beside it, are a large share, and once as a stream of ${sized(context, STREAM_PHOTOS)}, the same announced again and again. PySpark (local[2]): binaryFile, pandas UDF, PCA of MLlib with k = 8, Parquet on the local disk; once Spark has started, and from the start of its process. Python with Pillow: one process a core reading local files, nothing else.`,
      tables: [waysTable(ways), ...(three ? [three.table] : []), pca],
      plots: [
        {
          name: "peers",
          caption: "Photos per second",
          spec: barChart(
            "Photos per second",
            "photos/s",
            ways.map(({ name, photosPerSecond }) => ({ name, value: photosPerSecond.median })),
          ),
        },
        ...(three ? [three.plot] : []),
      ],
      notes: three ? notes : [...notes, "The three ways are left out: two of them need Spark."],
    };
  },
};

function waysTable(ways: readonly Way[]) {
  const ours = ways.find(({ name }) => name === OURS)!;
  const stream = ways.find(({ name }) => name === OURS_AS_STREAM)!;
  return {
    caption: "Throughput.",
    columns: [
      "way",
      "photos/s",
      "this pipeline / it",
      "as a stream / it",
      "photos/s from the start of its process",
      "this pipeline / it",
    ],
    rows: ways.map(({ name, photosPerSecond, photosPerSecondFromStart }) => [
      name,
      photosPerSecond,
      ratio(ours.photosPerSecond, photosPerSecond),
      ratio(stream.photosPerSecond, photosPerSecond),
      photosPerSecondFromStart,
      photosPerSecondFromStart && ratio(ours.photosPerSecondFromStart!, photosPerSecondFromStart),
    ]),
  };
}

function ratio(ours: Summary, theirs: Summary): Summary {
  return summarise(ours.rounds.map((rate, round) => rate / theirs.rounds[round]!));
}

/** The sample as local files: Spark takes every file below a folder. */
async function writeSample({ workFolder }: BenchContext, sample: readonly SamplePhoto[]): Promise<string> {
  const folder = join(workFolder, "photos");
  for (const { name, bytes } of sample) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return folder;
}
