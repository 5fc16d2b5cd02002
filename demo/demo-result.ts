import type { RecordLog } from "#lib/log/record-log.ts";
import { decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import type { DeadLetter } from "#lib/messages/messages.ts";
import { type Basis, computeBasis } from "#lib/pca/basis.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";

/** What came of a demo. */
export interface DemoResult {
  /** Whether the photos were drawn. */
  readonly isSynthetic: boolean;
  /** Photos announced. */
  readonly photos: number;
  /** Files of a folder that was named that are no photos. */
  readonly skipped: number;
  /** The same by what they are. */
  readonly skippedByKind: Readonly<Record<string, number>>;
  /** Photos, and folders, that could not be taken; each was named by a note. */
  readonly failed: number;
  readonly rows: number;
  readonly deadLetters: readonly DeadLetter[];
  /** From the start of the upload to the last table commit. */
  readonly seconds: number;
  readonly tableVersion: number;
  /** The copy of the table on this machine. */
  readonly tableFolder: string;
  /** Where the services wrote it, and whether the stack that has it stops with the demo; undefined where it is gone. */
  readonly origin: { readonly uri: string; readonly isStopped: boolean } | undefined;
  /** The folder with the plots, or why there are none. */
  readonly plots: { readonly folder: string } | { readonly lacking: string };
  readonly logFolder: string;
  /** The newest beside the table, of all its rows; undefined with fewer than two. */
  readonly basis: Basis | undefined;
  readonly sampleRows: readonly Record<string, unknown>[];
  /** By service process. */
  readonly rssPeakBytes: Readonly<Record<string, number>>;
}

const SAMPLE_ROWS = 5;

/** The letters on the topic. They are delivered at least once: each position counts once. */
export async function readDeadLetters(log: Pick<RecordLog, "readTopic">, topic: string): Promise<DeadLetter[]> {
  const byPosition = new Map<string, DeadLetter>();
  await log.readTopic(topic, ({ value }) => {
    const record = decodeDeadLetterRecord(value);
    if (record.kind === "mark") return;
    const { letter } = record;
    byPosition.set(`${letter.sourceTopic}/${letter.sourcePartition}/${letter.sourceOffset}`, letter);
  });
  return [...byPosition.values()];
}

/**
 * Publishes the basis of all rows as the table's newest, unless that is one already: whoever looks at the table then
 * sees the figures that the demo tells. Undefined with fewer than two rows.
 */
export async function publishBasisOfAllRows(table: DeltaTable, components: number): Promise<Basis | undefined> {
  const [file] = table.snapshot.files.values();
  if (!file) return undefined;
  const subject = { model: file.partitionValues.model!, run: file.partitionValues.run! };
  const [row] = await readRows(table, file, ["features"]);
  const dimensions = (row!.features as Float32Array).length;
  const kernel = await openMatrixKernel(1);
  try {
    const moments = await TableMoments.load(table, subject, dimensions, kernel);
    await moments.catchUp(table.snapshot.version);
    if (moments.moments.count < 2) return undefined;
    const bases = new BasisStore(table, subject);
    const newest = await bases.refresh();
    if (newest?.rowCount === moments.moments.count) return newest;
    return await bases.publish(await computeBasis(moments.moments, components, kernel, newest));
  } finally {
    await kernel.release();
  }
}

/** A few rows to look at. */
export async function sampleRows(table: DeltaTable): Promise<Record<string, unknown>[]> {
  const [file] = table.snapshot.files.values();
  return file ? (await readRows(table, file)).slice(0, SAMPLE_ROWS) : [];
}
