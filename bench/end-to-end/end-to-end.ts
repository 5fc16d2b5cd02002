import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { type Bench, type BenchContext, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { summarise, summariseBy } from "../measure/statistics.ts";
import { BenchPipeline, SHORT_WINDOWS } from "../pipeline/bench-pipeline.ts";
import { announcements, readSample, uploadPhotos } from "../pipeline/photo-sample.ts";
import { findBestLayout } from "../raw/raw.ts";
import { measureRaw } from "../raw/raw-limit.ts";
import type { FigureTable } from "../report/bench-report.ts";
import { barChart } from "../report/charts.ts";
import { type Latency, measureLatency } from "./measure-latency.ts";
import { measureThroughput, type Throughput } from "./measure-throughput.ts";

/** Shares of the steady state's throughput at which photos arrive for the latency. */
const LOADS = [0.25, 0.5, 0.75];
const WARM_UP_PHOTOS = 200;

/** From keys on the topic to the last table commit, against the network alone in the same run. */
export const endToEndBench: Bench = {
  name: "end-to-end",
  title: "End to end: from keys on the topic to the last table commit",
  async run(context) {
    const { store } = await context.stack();
    const photos = await uploadPhotos(store, "end-to-end", await readSample(context.photosFolder));
    const count = sized(context, { full: 9_000, usual: 3_000, quick: 300 });
    const warmUpPhotos = sized(context, { full: WARM_UP_PHOTOS, usual: WARM_UP_PHOTOS, quick: 50 });
    const layout = await findBestLayout(context);
    const rounds = await interleave(
      sized(context, { full: 3, usual: 3, quick: 1 }),
      {
        raw: () =>
          measureRaw(context.model, {
            ...layout,
            durationMs: sized(context, { full: 5_000, usual: 5_000, quick: 500 }),
          }),
        pipeline: () => measureThroughput(context, { name: "end-to-end", photos, count, warmUpPhotos }),
      },
      (side, round) => context.tell(`end-to-end: ${side}, round ${round}`),
    );
    const steady = summariseBy(rounds.pipeline, (round) => round.photosPerSecondSteady);
    const latencies = await measureLatencies(context, photos, steady.median);

    const rawPhotosPerSecond = summariseBy(rounds.raw, (round) => round.photosPerSecond);
    const ratio = summarise(
      rounds.pipeline.map((round, index) => round.photosPerSecondSteady / rounds.raw[index]!.photosPerSecond),
    );
    return {
      method: `${count} photos' keys lie on 4 partitions, the sample's photos (${photos.length}) on S3; then one featurizer with ${context.cores} inference threads and one reducer are started, with default settings; when the last vector is published the reducer is made to commit what it holds. "Steady" is the time from the commit of the first ${warmUpPhotos} vectors to the last table commit, over the rows whose vectors were computed since; "from start" the time from the start of both processes to the last commit, over all photos. Broker, S3 server and the bench itself run on the same cores. The limit, ONNX Runtime alone (${layout.name}), is measured in turns with it; the ratio is that of each round.`,
      tables: [
        {
          caption: "Throughput.",
          columns: ["figure", "value", "unit"],
          rows: [
            ["ONNX Runtime alone", rawPhotosPerSecond, "photos/s"],
            ["steady state", steady, "photos/s"],
            ["from start", summariseBy(rounds.pipeline, (round) => round.photosPerSecondFromStart), "photos/s"],
            ["steady state / ONNX Runtime alone", ratio, "ratio"],
          ],
        },
        processTable(
          rounds.pipeline,
          summariseBy(rounds.raw, (round) => round.cpuMsPerPhoto),
        ),
        latencyTable(latencies),
      ],
      plots: [
        {
          name: "end-to-end-cpu",
          caption: "CPU per photo by process, and of the network alone",
          spec: barChart("CPU per photo", "ms", [
            { name: "ONNX Runtime alone", value: summariseBy(rounds.raw, (round) => round.cpuMsPerPhoto).median },
            ...rolesOf(rounds.pipeline).map((role) => ({
              name: role,
              value: summariseBy(rounds.pipeline, (round) => round.cpuMsPerPhoto[role]!).median,
            })),
          ]),
        },
      ],
      notes: [],
    };
  },
};

/** On a pipeline of its own, whose services have worked before, at each share of the throughput in turn. */
async function measureLatencies(
  context: BenchContext,
  photos: readonly StoredPhoto[],
  photosPerSecondMax: number,
): Promise<(Latency & { readonly load: number })[]> {
  const pipeline = await BenchPipeline.open(context, { name: "latency", partitions: 4 });
  try {
    const reducer = await pipeline.start("reducer", SHORT_WINDOWS);
    const featurizer = await pipeline.start("featurizer");
    await Promise.all([reducer.untilReady(), featurizer.untilReady()]);
    await pipeline.announce(announcements(photos, WARM_UP_PHOTOS));
    await pipeline.untilInTable(WARM_UP_PHOTOS);
    const latencies = [];
    for (const load of LOADS) {
      context.tell(`end-to-end: latency at ${100 * load} % load`);
      const photosPerSecond = load * photosPerSecondMax;
      const count = Math.round(photosPerSecond * sized(context, { full: 15, usual: 10, quick: 2 }));
      latencies.push({ load, ...(await measureLatency(pipeline, reducer, { photos, photosPerSecond, count })) });
    }
    return latencies;
  } finally {
    await pipeline.close();
  }
}

/** What each process costs, with the sum, and the network alone for comparison. */
function processTable(rounds: readonly Throughput[], rawCpuMs: ReturnType<typeof summarise>): FigureTable {
  const roles = rolesOf(rounds);
  const total = rounds.map(({ cpuMsPerPhoto }) => roles.reduce((sum, role) => sum + cpuMsPerPhoto[role]!, 0));
  return {
    caption: "By process, in the steady state.",
    columns: ["process", "CPU-ms per photo", "peak RSS, MiB"],
    rows: [
      ...roles.map((role) => [
        role,
        summariseBy(rounds, (round) => round.cpuMsPerPhoto[role]!),
        summariseBy(rounds, (round) => round.rssPeakMiB[role]!),
      ]),
      ["all together", summarise(total), undefined],
      ["for comparison: ONNX Runtime alone", rawCpuMs, undefined],
    ],
  };
}

function latencyTable(latencies: readonly (Latency & { readonly load: number })[]): FigureTable {
  return {
    caption:
      "From a photo's arrival to its row's commit, at shares of the steady throughput, and from a window's end to its commit. A window waits 1 s for more rows.",
    columns: ["load", "photos/s", "photo to table, p50, ms", "p99", "commit, p50, ms", "p99"],
    rows: latencies.map((latency) => [
      `${100 * latency.load} %`,
      latency.photosPerSecond,
      latency.p50Ms,
      latency.p99Ms,
      latency.commitP50Ms,
      latency.commitP99Ms,
    ]),
  };
}

function rolesOf(rounds: readonly Throughput[]): string[] {
  return Object.keys(rounds[0]!.cpuMsPerPhoto);
}
