import { randomFillSync } from "node:crypto";
import { openTable } from "#lib/table/open-table.ts";
import { FINGERPRINT_BYTES } from "#lib/table/photo-version.ts";
import { PhotoVersionSet } from "#lib/table/photo-version-set.ts";
import { readPhotoVersions, writePhotoVersions } from "#lib/table/photo-versions-checkpoint.ts";
import { type Bench, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { type Summary, summariseBy } from "../measure/statistics.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { BUCKET } from "../pipeline/bench-stack.ts";
import { fillFeatures, measureReducer, type ReducerFigure } from "./measure-reducer.ts";
import { syntheticVectors } from "./synthetic-vectors.ts";

const DIMENSIONS = 1_280;
/** Vectors of each measurement. */
const VECTORS = { full: 26_000, usual: 13_000, quick: 1_000 };
const COUNT_MAX = 11_000_000;

interface RememberingFigure extends ReducerFigure {
  /** From S3 to a set in memory, in the bench's process. */
  readonly loadSeconds: number;
}

/** What it costs a reducer to know the photo versions of its table. */
export const photoVersionsBench: Bench = {
  name: "photo-versions",
  title: "Reducer: photo versions remembered",
  async run(context) {
    const count = sized(context, VECTORS);
    const pipeline = await BenchPipeline.open(context, { name: "photo-versions", partitions: 1 });
    try {
      await fillFeatures(pipeline, syntheticVectors(count, DIMENSIONS), DIMENSIONS);
      let runs = 0;
      const knowing = (remembered: number) => () => measureKnowing(pipeline, { count, remembered, round: runs++ });
      const rounds = await interleave(
        sized(context, { full: 5, usual: 3, quick: 1 }),
        {
          "knows nothing": () => measureReducer(pipeline, count, runs++),
          "0": knowing(0),
          "2,000,000": knowing(2_000_000),
          "10,000,000": knowing(10_000_000),
        },
        (side, round) => context.tell(`photo-versions: ${side}, round ${round}`),
      );
      const { "knows nothing": before, ...remembering } = rounds;
      return {
        method: `${count} synthetic vectors of ${DIMENSIONS} values, as in the bench of the reducer; a new reducer with a new table reads them, once told to know no photo versions (REDUCER_PHOTO_VERSIONS_MAX=0), and with a checkpoint of so many others beside the table. Ratios are of rows per CPU-second, each to the round of the same number that knows nothing. Loading: from S3 to a set in memory, in the bench's process.`,
        tables: [
          {
            caption: "By photo versions remembered when the reducer starts.",
            columns: ["remembered", "rows/s", "rows per CPU-second", "ratio", "peak RSS, MiB", "load, s"],
            rows: [
              ["knows nothing", ...figuresOf(before), 1, summariseBy(before, (round) => round.rssPeakMiB), "–"],
              ...Object.entries(remembering).map(([name, figures]) => [
                name,
                ...figuresOf(figures),
                ratioOf(figures, before),
                summariseBy(figures, (round) => round.rssPeakMiB),
                summariseBy(figures, (round) => round.loadSeconds),
              ]),
            ],
          },
        ],
        plots: [],
        notes: [],
      };
    } finally {
      await pipeline.close();
    }
  },
};

function figuresOf(rounds: readonly ReducerFigure[]): Summary[] {
  return [summariseBy(rounds, (round) => round.rowsPerSecond), summariseBy(rounds, (round) => round.rowsPerCpuSecond)];
}

function ratioOf(rounds: readonly ReducerFigure[], before: readonly ReducerFigure[]): Summary {
  return summariseBy(
    rounds.map(({ rowsPerCpuSecond }, round) => rowsPerCpuSecond / before[round]!.rowsPerCpuSecond),
    (ratio) => ratio,
  );
}

interface Knowing {
  readonly count: number;
  readonly remembered: number;
  readonly round: number;
}

/** Writes a table's checkpoint of random photo versions, loads it, and has a reducer begin with it. */
async function measureKnowing(
  pipeline: BenchPipeline,
  { count, remembered, round }: Knowing,
): Promise<RememberingFigure> {
  const location = { bucket: BUCKET, prefix: `tables/${pipeline.id}.${round}` };
  const table = await openTable(pipeline.stack.store, location, { createIfAbsent: true });
  const of = { tableId: table.snapshot.metadata.id, partition: 0, partitions: 1, sharedBy: 1 };
  await writePhotoVersions(table, of, { tableVersion: 0, versions: randomVersions(remembered, table.clock.nowMs()) });
  const startedAtMs = performance.now();
  await readPhotoVersions(table, of, 0, COUNT_MAX);
  const loadSeconds = (performance.now() - startedAtMs) / 1_000;
  const env = { REDUCER_PHOTO_VERSIONS_MAX: String(COUNT_MAX) };
  return { ...(await measureReducer(pipeline, count, round, env)), loadSeconds };
}

/** Fingerprints are evenly spread bits. */
function randomVersions(count: number, nowMs: number): PhotoVersionSet {
  const versions = new PhotoVersionSet(COUNT_MAX);
  const bytes = randomFillSync(new Uint8Array(count * FINGERPRINT_BYTES));
  for (let at = 0; at < bytes.length; at += FINGERPRINT_BYTES) {
    versions.add(bytes.subarray(at, at + FINGERPRINT_BYTES), nowMs - at);
  }
  return versions;
}
