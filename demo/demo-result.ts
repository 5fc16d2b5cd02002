import type { RecordLog } from "#lib/log/record-log.ts";
import { decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import type { DeadLetter } from "#lib/messages/messages.ts";
import type { Basis } from "#lib/pca/basis.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readRows } from "#lib/table/table-files.ts";

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

/** A few rows to look at. */
export async function sampleRows(table: DeltaTable): Promise<Record<string, unknown>[]> {
  const [file] = table.snapshot.files.values();
  return file ? (await readRows(table, file)).slice(0, SAMPLE_ROWS) : [];
}
