import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { maintainTable } from "#lib/table/operations/maintain-table.ts";
import { DEFAULT_COMPACTION } from "#lib/table/operations/plan-compaction.ts";
import { type Partitioning, partitionOf } from "#lib/table/partitioning.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { quantile } from "../measure/statistics.ts";
import { syntheticVectors } from "../reducer/synthetic-vectors.ts";
import { AgedStore } from "./aged-store.ts";

export interface Simulation {
  readonly windows: number;
  readonly windowMs: number;
  /** Rows of each model in a window. */
  readonly windowRows: number;
  readonly models: number;
  readonly dimensions: number;
  readonly fileBytesMax: number;
  readonly partitionBy: Partitioning["by"];
  /** Undefined: nobody maintains the table. */
  readonly roundMs: number | undefined;
}

/** What the table has come to. */
export interface SimulatedTable {
  readonly files: number;
  readonly filesMax: number;
  /** Data files in the folder, those of former versions included. */
  readonly dataObjects: number;
  readonly dataBytes: number;
  readonly logObjects: number;
  readonly logBytes: number;
  readonly openMs: number;
  readonly openRequests: number;
  readonly openBytes: number;
  readonly appendedBytes: number;
  readonly rewrittenBytes: number;
  readonly maintainerSeconds: number;
}

const LOCATION = { bucket: "bench", prefix: "table" };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STARTED_MS = Date.parse("2026-03-01T00:00:00Z");
const OPENINGS = 5;

/** Commits window after window, on a clock that goes on by itself. */
export async function simulateTable(options: Simulation, tell: (line: string) => void): Promise<SimulatedTable> {
  let nowMs = STARTED_MS;
  const clock: Clock = { nowMs: () => nowMs, sleep: systemClock.sleep };
  const store = new AgedStore(clock);
  const open = () => openTable(store, LOCATION, { clock, logger: silentLogger });
  const partitioning = { by: options.partitionBy, time: "ingest" } as const;
  const table = await openTable(store, LOCATION, { createIfAbsent: true, clock, logger: silentLogger, partitioning });
  const maintained = await open();
  const totals = { appendedBytes: 0, rewrittenBytes: 0, maintainerMs: 0, filesMax: 0 };
  const window = new RepeatedWindow(table, store, options);
  let roundDueMs = options.roundMs === undefined ? Number.POSITIVE_INFINITY : nowMs + options.roundMs;
  for (let count = 1; count <= options.windows; count++) {
    nowMs += options.windowMs;
    const adds = await window.files(nowMs);
    const operation = { name: "STREAMING UPDATE", parameters: { mode: "Append" } };
    await table.transact({ commitId: randomUUID(), operation, adds });
    totals.appendedBytes += adds.reduce((sum, { size }) => sum + size, 0);
    totals.filesMax = Math.max(totals.filesMax, table.snapshot.files.size);
    if (nowMs >= roundDueMs) {
      const before = process.cpuUsage();
      totals.rewrittenBytes += await maintain(maintained, options.fileBytesMax);
      const { user, system } = process.cpuUsage(before);
      totals.maintainerMs += (user + system) / 1_000;
      roundDueMs = nowMs + options.roundMs!;
    }
    if (count % 500 === 0) tell(`${count} windows, ${table.snapshot.files.size} files`);
  }
  return describe(store, open, { ...totals, files: (await open()).snapshot.files.size });
}

async function maintain(table: DeltaTable, fileBytesMax: number): Promise<number> {
  const options = {
    ...DEFAULT_COMPACTION,
    fileBytesMax,
    repeatsEveryMs: Number.POSITIVE_INFINITY,
    vacuumEveryMs: DAY_MS,
  };
  const { compaction } = await maintainTable(table, options);
  return compaction.addedBytes;
}

async function describe(
  store: AgedStore,
  open: () => Promise<DeltaTable>,
  {
    maintainerMs,
    ...totals
  }: { maintainerMs: number; filesMax: number; files: number; appendedBytes: number; rewrittenBytes: number },
): Promise<SimulatedTable> {
  const times: number[] = [];
  const before = { ...store.counts };
  for (let opening = 0; opening < OPENINGS; opening++) {
    const startedAtMs = performance.now();
    await open();
    times.push(performance.now() - startedAtMs);
  }
  const data = store.total("/part-");
  const log = store.total("/_delta_log/");
  return {
    ...totals,
    ...{ dataObjects: data.objects, dataBytes: data.bytes, logObjects: log.objects, logBytes: log.bytes },
    openMs: quantile(times, 0.5),
    openRequests: (store.counts.requests - before.requests) / OPENINGS,
    openBytes: (store.counts.bytesRead - before.bytesRead) / OPENINGS,
    maintainerSeconds: maintainerMs / 1_000,
  };
}

interface TemplateFile {
  readonly add: AddFile;
  readonly bytes: Uint8Array;
}

/** So many windows are encoded, so that what compaction puts together is not the same rows again and again. */
const TEMPLATES = 200;

/** Writes windows of rows; after TEMPLATES of them the same bytes again, under new names. */
class RepeatedWindow {
  readonly #table: DeltaTable;
  readonly #store: AgedStore;
  readonly #options: Simulation;
  readonly #vectors: Float32Array;
  readonly #templates: (readonly TemplateFile[])[] = [];
  #count = 0;

  constructor(table: DeltaTable, store: AgedStore, options: Simulation) {
    this.#table = table;
    this.#store = store;
    this.#options = options;
    this.#vectors = syntheticVectors(TEMPLATES * options.windowRows, options.dimensions);
  }

  /** The files of the next window, in the partitions of that time. */
  async files(nowMs: number): Promise<AddFile[]> {
    const template = this.#count++ % TEMPLATES;
    this.#templates[template] ??= await this.#write(template, nowMs);
    return Promise.all(this.#templates[template].map((file) => this.#copy(file, nowMs)));
  }

  /** The template itself is no file of the table. */
  async #write(template: number, nowMs: number): Promise<TemplateFile[]> {
    const adds = await writeRows(this.#table, this.#rows(template, nowMs));
    const files = adds.map(async (add) => {
      const object = tableObject(LOCATION, add.path);
      const { bytes } = await this.#store.get(object);
      await this.#store.delete(object);
      return { add, bytes };
    });
    return Promise.all(files);
  }

  async #copy({ add, bytes }: TemplateFile, nowMs: number): Promise<AddFile> {
    const { by } = this.#table.partitioning;
    const row = this.#rows(0, nowMs).find(({ model }) => model === add.partitionValues.model)!;
    const { folder, values } = partitionOf(row, { by, time: "ingest" });
    const path = `${folder}/part-${randomUUID()}.zstd.parquet`;
    await this.#store.put(tableObject(LOCATION, path), bytes);
    return { ...add, path, partitionValues: values, modificationTime: nowMs };
  }

  #rows(template: number, nowMs: number): PhotoRow[] {
    const { windowRows, models, dimensions } = this.#options;
    return Array.from({ length: models * windowRows }, (_, index) => {
      const row = template * windowRows + (index % windowRows);
      return {
        model: `model-${Math.floor(index / windowRows)}`,
        run: "live",
        path: `s3://photos/app/${nowMs}/${row}.jpg`,
        label: null,
        features: this.#vectors.subarray(row * dimensions, (row + 1) * dimensions),
        pcaFeatures: this.#vectors.subarray(row * dimensions, row * dimensions + 8),
        pcaVersion: 1,
        predictions: null,
        photoEtag: randomUUID().replaceAll("-", ""),
        widthPx: 1_000,
        heightPx: 1_000,
        capturedAtMs: nowMs,
        capturedAtSource: "exif",
        ingestedAtMs: nowMs,
        featurizedAtMs: nowMs,
        sourcePartition: 0,
        sourceOffset: nowMs + row,
      };
    });
  }
}
