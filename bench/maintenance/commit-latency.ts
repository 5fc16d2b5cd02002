import { openTable } from "#lib/table/open-table.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { type Bench, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { quantile, summariseBy } from "../measure/statistics.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { BUCKET } from "../pipeline/bench-stack.ts";
import { fillFeatures } from "../reducer/measure-reducer.ts";
import { syntheticVectors } from "../reducer/synthetic-vectors.ts";

const DIMENSIONS = 1_280;
const WINDOW_ROWS = 50;
/** Windows of each measurement: as many commits. */
const WINDOWS = { full: 300, usual: 100, quick: 10 };
const LOOK_MS = 50;

interface LatencyFigure {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Files of the table at the end. */
  readonly files: number;
}

/** How long a reducer's commits take, by itself and while a maintainer compacts the same table all the time. */
export const maintenanceLatencyBench: Bench = {
  name: "maintenance-latency",
  title: "Maintenance: commits of a reducer beside it",
  async run(context) {
    const windows = sized(context, WINDOWS);
    const pipeline = await BenchPipeline.open(context, { name: "maintenance-latency", partitions: 1 });
    try {
      await fillFeatures(pipeline, syntheticVectors(windows * WINDOW_ROWS, DIMENSIONS), DIMENSIONS);
      let runs = 0;
      const rounds = await interleave(
        sized(context, { full: 5, usual: 2, quick: 1 }),
        {
          "by itself": () => measureCommits(pipeline, windows * WINDOW_ROWS, runs++, false),
          "beside a maintainer": () => measureCommits(pipeline, windows * WINDOW_ROWS, runs++, true),
        },
        (side, round) => context.tell(`maintenance-latency: ${side}, round ${round}`),
      );
      return {
        method: `${windows * WINDOW_ROWS} synthetic vectors of ${DIMENSIONS} values on a topic of one partition; a new reducer with a new table reads them in windows of ${WINDOW_ROWS} rows, as fast as it can. From closing a window to the acknowledgement of its commit. The maintainer is a process of its own, which looks every second and takes each partition for closed, so that it compacts all the time.`,
        tables: [
          {
            caption: `By what else works on the table; quantiles of ${windows} commits of each round.`,
            columns: ["", "p50, ms", "p99, ms", "files at the end"],
            rows: Object.entries(rounds).map(([name, figures]) => [
              name,
              summariseBy(figures, ({ p50Ms }) => p50Ms),
              summariseBy(figures, ({ p99Ms }) => p99Ms),
              summariseBy(figures, ({ files }) => files),
            ]),
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

async function measureCommits(
  pipeline: BenchPipeline,
  count: number,
  round: number,
  isMaintained: boolean,
): Promise<LatencyFigure> {
  const env = {
    TABLE_URI: `s3://${BUCKET}/tables/${pipeline.id}.${round}`,
    REDUCER_GROUP: `${pipeline.id}.reducers.${round}`,
    REDUCER_WINDOW_ROWS_MAX: String(WINDOW_ROWS),
    MAINTAINER_INTERVAL_MS: "1000",
    MAINTAINER_QUIET_MS: "0",
  };
  const maintainer = isMaintained ? await pipeline.start("maintainer", env) : undefined;
  await maintainer?.untilReady();
  const reducer = await pipeline.start("reducer", env);
  const committedRows = async () => reducer.commits.reduce((sum, { rows }) => sum + rows, 0);
  await pipeline.untilCounted("rows", count, committedRows, LOOK_MS);
  const tookMs = reducer.commits.map((commit) => commit.tookMs);
  await pipeline.stop(reducer);
  if (maintainer) await pipeline.stop(maintainer);
  const table = await openTable(pipeline.stack.store, parseTableUri(env.TABLE_URI));
  return { p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99), files: table.snapshot.files.size };
}
