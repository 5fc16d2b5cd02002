import { type Bench, sized } from "../bench.ts";
import type { Cell, FigureTable } from "../report/bench-report.ts";
import { type SimulatedTable, type Simulation, simulateTable } from "./simulate-table.ts";

const MIB = 1_048_576;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** A tenth of 1,280 values and a tenth of 128 MB: as many files as with them, in a tenth of the time. */
const SCALED = { dimensions: 128, fileBytesMax: 12.8 * MIB };

const DAY: Omit<Simulation, "roundMs"> = {
  ...SCALED,
  windows: 2_880,
  windowMs: 30 * SECOND_MS,
  windowRows: 30,
  models: 1,
  partitionBy: "hour",
};

const YEAR: Omit<Simulation, "roundMs"> = {
  ...SCALED,
  windows: 730,
  windowMs: 12 * HOUR_MS,
  windowRows: 30,
  models: 1,
  partitionBy: "month",
};

/** What becomes of a table that is left alone, and of one that is maintained. */
export const maintenanceBench: Bench = {
  name: "maintenance",
  title: "Maintenance: a day and a year of a table",
  async run(context) {
    const part = sized(context, { full: 1, usual: 1, quick: 0.02 });
    const measured = async (name: string, simulation: Omit<Simulation, "roundMs">, roundMs: number) => {
      const windows = Math.round(simulation.windows * part);
      const tell = (line: string) => context.tell(`maintenance: ${name}: ${line}`);
      const alone = await simulateTable({ ...simulation, windows, roundMs: undefined }, tell);
      const maintained = await simulateTable({ ...simulation, windows, roundMs }, tell);
      return { alone, maintained };
    };
    const day = await measured("day", DAY, 300 * SECOND_MS);
    const year = await measured("year", YEAR, 24 * HOUR_MS);
    return {
      method:
        "Windows of 30 rows of 128 values are committed to a table in memory on a clock that goes on by itself; vectors and the size of compacted files are a tenth of the usual ones, so that the files are as many. Maintained: a round of the maintainer every 5 minutes of the day, every day of the year. Opening: the log alone, in the bench's process, without a network; add the latency of your S3 for each request. Bytes rewritten: all that compaction wrote, to those that windows wrote.",
      tables: [
        tableOf(`A day: ${DAY.windows} windows of 30 s, partitions by hour.`, day),
        tableOf(
          `A year, coarsely: ${YEAR.windows} windows of 12 h, partitions by month; files are kept for 7 days after their removal and log entries for 30 days, as is usual.`,
          year,
        ),
      ],
      plots: [],
      notes: [
        "The year has 2 windows a day and not 2,880, since the table without maintenance would have a million files: in memory and checkpoints it grows with them.",
      ],
    };
  },
};

function tableOf(
  caption: string,
  { alone, maintained }: { readonly alone: SimulatedTable; readonly maintained: SimulatedTable },
): FigureTable {
  const row = (name: string, of: (table: SimulatedTable) => Cell): Cell[] => [name, of(alone), of(maintained)];
  const mib = (bytes: number) => bytes / MIB;
  return {
    caption,
    columns: ["", "left alone", "maintained"],
    rows: [
      row("files of the newest version", ({ files }) => files),
      row("– the most at any time", ({ filesMax }) => filesMax),
      row("data files in the folder", ({ dataObjects }) => dataObjects),
      row("bytes of them, MiB", ({ dataBytes }) => mib(dataBytes)),
      row("files of the log", ({ logObjects }) => logObjects),
      row("bytes of the log, MiB", ({ logBytes }) => mib(logBytes)),
      row("opening, ms", ({ openMs }) => openMs),
      row("– requests", ({ openRequests }) => openRequests),
      row("– bytes read, KiB", ({ openBytes }) => openBytes / 1_024),
      row("bytes rewritten, to those appended", ({ rewrittenBytes, appendedBytes }) => rewrittenBytes / appendedBytes),
      row("CPU of the maintainer, s", ({ maintainerSeconds }) => maintainerSeconds),
    ],
  };
}
