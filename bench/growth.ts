import { LOG_FOLDER } from "#lib/table/delta/delta-log.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { type Bench, type BenchContext, sized } from "./bench.ts";
import { MIB, measureThroughput } from "./end-to-end/measure-throughput.ts";
import { interleave } from "./measure/interleave.ts";
import { cpuBetween, readUse } from "./measure/process-meter.ts";
import { quantile, summarise, summariseBy } from "./measure/statistics.ts";
import { BenchPipeline } from "./pipeline/bench-pipeline.ts";
import { announcements, readSample, repeatSample, uploadPhotos } from "./pipeline/photo-sample.ts";
import type { FigureTable } from "./report/bench-report.ts";
import { lineChart } from "./report/charts.ts";

/** Photos in the table at the end of each stage. */
const STAGES = { full: [1_000, 10_000, 50_000], usual: [1_000, 5_000], quick: [400, 700] };
const WARM_UP_PHOTOS = 200;
const PARTITIONS = [1, 4, 32];

/** What changes as a table grows, and with more processes and partitions. */
export const growthBench: Bench = {
  name: "growth",
  title: "Growth: cost per photo as the table grows, by processes and by partitions",
  async run(context) {
    const stages = await measureGrowth(context);
    const scaling = await measureScaling(context);
    return {
      method: `One pipeline, one table: photos (the sample again and again, each under a key of its own) are put on S3, then announced, until the table holds ${stages.map(({ total }) => total.toLocaleString("en-US")).join(", ")}; figures are of each stage by itself, from its announcement to its last table commit, after a warm-up of ${WARM_UP_PHOTOS} photos. RSS is what the process has at the stage's end. Then, on pipelines of their own and in turns: one featurizer process of one inference thread, two such processes, and one process with 1, 4 and 32 partitions.`,
      tables: [growthTable(stages), ...scaling],
      plots: [
        {
          name: "growth",
          caption: "CPU per photo as the table grows",
          spec: lineChart(
            "CPU per photo as the table grows",
            { x: "photos in the table", y: "ms", isLog: true },
            stages.flatMap(({ total, cpuMsPerPhoto }) =>
              Object.entries(cpuMsPerPhoto).map(([series, y]) => ({ x: total, y, series })),
            ),
          ),
        },
      ],
      notes: [],
    };
  },
};

interface Stage {
  readonly total: number;
  readonly photosPerSecond: number;
  readonly cpuMsPerPhoto: Readonly<Record<string, number>>;
  readonly rssMiB: Readonly<Record<string, number>>;
  readonly commitMsMedian: number;
  readonly logBytes: number;
}

async function measureGrowth(context: BenchContext): Promise<Stage[]> {
  const sample = await readSample(context.photosFolder);
  const pipeline = await BenchPipeline.open(context, { name: "growth", partitions: 4 });
  const { store } = pipeline.stack;
  try {
    const reducer = await pipeline.start("reducer");
    const featurizer = await pipeline.start("featurizer");
    await Promise.all([reducer.untilReady(), featurizer.untilReady()]);
    const warmUp = await uploadPhotos(store, "growth/warm-up", repeatSample(sample, WARM_UP_PHOTOS));
    await pipeline.announce(announcements(warmUp, WARM_UP_PHOTOS));
    await pipeline.untilInTable(WARM_UP_PHOTOS);

    const stages: Stage[] = [];
    let done = WARM_UP_PHOTOS;
    for (const total of sized(context, STAGES)) {
      const count = total - done;
      context.tell(`growth: uploading ${count} photos, to ${total}`);
      const photos = await uploadPhotos(store, `growth/${total}`, repeatSample(sample, count));
      const versionBefore = pipeline.table.snapshot.version;
      const useBefore = await readUse(pipeline.pids);
      context.tell(`growth: ${count} photos, to ${total}`);
      const startedAtMs = Date.now();
      await pipeline.announce(announcements(photos, count));
      await pipeline.untilInTable(total);
      const useAfter = await readUse(pipeline.pids);
      const all = await pipeline.commitsTo(pipeline.table.snapshot.version, reducer);
      const commits = all.filter(({ version, rows }) => version > versionBefore && rows > 0);
      stages.push({
        total,
        photosPerSecond: (1_000 * count) / (commits.at(-1)!.atMs - startedAtMs),
        cpuMsPerPhoto: mapValues(cpuBetween(useBefore, useAfter), (seconds) => (1_000 * seconds) / count),
        rssMiB: mapValues(useAfter, ({ rssBytes }) => rssBytes / MIB),
        commitMsMedian: quantile(
          commits.map(({ tookMs }) => tookMs),
          0.5,
        ),
        logBytes: await logBytes(pipeline),
      });
      done = total;
    }
    return stages;
  } finally {
    await pipeline.close();
  }
}

function growthTable(stages: readonly Stage[]): FigureTable {
  const perPhoto = stages.map(({ cpuMsPerPhoto }) => Object.values(cpuMsPerPhoto).reduce((sum, ms) => sum + ms, 0));
  const roles = Object.keys(stages[0]!.cpuMsPerPhoto);
  const row = (name: string, of: (stage: Stage) => number) => [name, ...stages.map(of)];
  return {
    caption: "One table as it grows.",
    columns: ["photos in the table", ...stages.map(({ total }) => total.toLocaleString("en-US"))],
    rows: [
      row("photos/s", ({ photosPerSecond }) => photosPerSecond),
      ["CPU-ms per photo, all processes", ...perPhoto],
      ["against the first stage", ...perPhoto.map((ms) => ms / perPhoto[0]!)],
      ...roles.map((role) => row(`CPU-ms per photo, ${role}`, ({ cpuMsPerPhoto }) => cpuMsPerPhoto[role]!)),
      ...roles.map((role) => row(`RSS of ${role}, MiB`, ({ rssMiB }) => rssMiB[role]!)),
      row("table commit, median, ms", ({ commitMsMedian }) => commitMsMedian),
      row("table's log, KiB", (stage) => stage.logBytes / 1_024),
    ],
  };
}

async function logBytes({ table, stack }: BenchPipeline): Promise<number> {
  const { bucket, key } = tableObject(table.location, `${LOG_FOLDER}/`);
  let bytes = 0;
  for await (const { sizeBytes } of stack.store.list(bucket, key)) bytes += sizeBytes;
  return bytes;
}

async function measureScaling(context: BenchContext): Promise<FigureTable[]> {
  const { store } = await context.stack();
  const photos = await uploadPhotos(store, "scaling", await readSample(context.photosFolder));
  const count = sized(context, { full: 2_000, usual: 1_000, quick: 200 });
  const warmUpPhotos = sized(context, { full: WARM_UP_PHOTOS, usual: WARM_UP_PHOTOS, quick: 50 });
  const common = { photos, count, warmUpPhotos };
  const oneThread = { FEATURIZER_WORKERS: "1" };
  const shapes = {
    "1 process of 1 thread": { ...common, name: "one", featurizerEnv: oneThread },
    "2 processes of 1 thread": { ...common, name: "two", featurizerEnv: oneThread, featurizers: 2 },
    ...Object.fromEntries(
      PARTITIONS.map((partitions) => [
        `1 process of ${context.cores} threads, ${partitions} partitions`,
        { ...common, name: `partitions-${partitions}`, partitions },
      ]),
    ),
  };
  const rounds = await interleave(
    sized(context, { full: 3, usual: 2, quick: 1 }),
    mapValues(shapes, (shape) => () => measureThroughput(context, shape)),
    (side, round) => context.tell(`growth: ${side}, round ${round}`),
  );
  const rates = (name: string) => rounds[name]!.map((round) => round.photosPerSecondSteady);
  const one = rates("1 process of 1 thread");
  const speedUp = rates("2 processes of 1 thread").map((rate, index) => rate / one[index]!);
  return [
    {
      caption: "By processes and partitions, steady state.",
      columns: ["featurizers", "photos/s", "CPU-ms per photo of the featurizers"],
      rows: [
        ...Object.entries(rounds).map(([name, all]) => [
          name,
          summarise(rates(name)),
          summariseBy(all, (round) => round.cpuMsPerPhoto.featurizer!),
        ]),
        ["2 processes / 1 process", summarise(speedUp), undefined],
      ],
    },
  ];
}

function mapValues<Value, Mapped>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Mapped,
): Record<string, Mapped> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
