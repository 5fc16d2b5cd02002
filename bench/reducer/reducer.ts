import { type Bench, type BenchContext, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { summariseBy } from "../measure/statistics.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { barChart } from "../report/charts.ts";
import { fillFeatures, measureReducer, measureReducerLimit } from "./measure-reducer.ts";
import { syntheticVectors } from "./synthetic-vectors.ts";

const DIMENSIONS = [512, 1_280, 2_048, 4_096];
/** Of vectors on the topic, whatever their length. */
const TOPIC_MIB = { full: 128, usual: 128, quick: 8 };

/** From vectors on the topic to committed Parquet, against Parquet and moments alone. */
export const reducerBench: Bench = {
  name: "reducer",
  title: "Reducer: from vectors on the topic to committed Parquet",
  async run(context) {
    const results = [];
    for (const dimensions of DIMENSIONS) results.push(await measureDimensions(context, dimensions));
    return {
      method: `${sized(context, TOPIC_MIB)} MiB of synthetic vectors (rectified, 16 strong directions and noise) lie on one partition; a new reducer with a new table reads them, windows of its defaults. From its assignment to its last table commit, moments and bases included; rows per CPU-second by the CPU time of its process. The limit: encoding ZSTD Parquet and the moments one after the other in memory, of ${4096} rows at most, on one core.`,
      tables: [
        {
          caption: "Rows per second.",
          columns: [
            "dimensions",
            "rows",
            "rows/s",
            "rows per CPU-second",
            "limit, rows/s",
            "Parquet alone",
            "moments alone",
            "peak RSS, MiB",
          ],
          rows: results.map(({ dimensions, count, rounds }) => [
            String(dimensions),
            count,
            summariseBy(rounds.reducer, (round) => round.rowsPerSecond),
            summariseBy(rounds.reducer, (round) => round.rowsPerCpuSecond),
            summariseBy(rounds.limit, (round) => round.rowsPerSecond),
            summariseBy(rounds.limit, (round) => round.parquetRowsPerSecond),
            summariseBy(rounds.limit, (round) => round.momentsRowsPerSecond),
            summariseBy(rounds.reducer, (round) => round.rssPeakMiB),
          ]),
        },
      ],
      plots: [
        {
          name: "reducer",
          caption: "Rows per CPU-second by dimensions",
          spec: barChart(
            "Vectors to committed Parquet, one core",
            "rows per CPU-second",
            results.map(({ dimensions, rounds }) => ({
              name: String(dimensions),
              value: summariseBy(rounds.reducer, (round) => round.rowsPerCpuSecond).median,
            })),
          ),
        },
      ],
      notes: [],
    };
  },
};

async function measureDimensions(context: BenchContext, dimensions: number) {
  const count = Math.floor((sized(context, TOPIC_MIB) * 2 ** 20) / (4 * dimensions));
  const values = syntheticVectors(count, dimensions);
  const pipeline = await BenchPipeline.open(context, { name: `reducer-${dimensions}`, partitions: 1 });
  try {
    await fillFeatures(pipeline, values, dimensions);
    let runs = 0;
    const rounds = await interleave(
      sized(context, { full: 3, usual: 2, quick: 1 }),
      {
        reducer: () => measureReducer(pipeline, count, runs++),
        limit: () => measureReducerLimit(values, dimensions),
      },
      (side, round) => context.tell(`reducer: ${dimensions} dimensions, ${side}, round ${round}`),
    );
    return { dimensions, count, rounds };
  } finally {
    await pipeline.close();
  }
}
