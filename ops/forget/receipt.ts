import { z } from "zod";
import { ruleSchema } from "#lib/messages/forgotten-topic.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatTableUri, SIDE_FOLDER, type TableAccess, tableObject } from "#lib/table/table-location.ts";

/** What was done to forget some photos, and what is left to time. It names no photo. Times are ISO texts. */
export type Receipt = z.output<typeof receiptSchema>;

const RECEIPT_BYTES_MAX = 64 * 1_048_576;

const receiptSchema = z.object({
  format: z.literal("fruitstream-receipt"),
  formatVersion: z.literal(1),
  id: z.string(),
  /** `begun` until everything below is done: the same command goes on. */
  state: z.enum(["begun", "done"]),
  begunAt: z.iso.datetime(),
  doneAt: z.iso.datetime().nullable(),
  rules: z.array(ruleSchema),
  /** Where objects were looked for. */
  buckets: z.array(z.string()),
  /** Over all attempts. */
  objects: z.number().int(),
  rows: z.number().int(),
  letters: z.number().int(),
  /** Data files that had rows of these photos, relative to the table's root. */
  files: z.array(z.string()),
  /** The last version of the table that deleted rows; null where there were none. */
  tableVersion: z.number().int().nullable(),
  /**
   * By place, when what can't be removed by itself will have gone: topics by their retention, files and log of the table by
   * its properties. Null: never, as the place is configured.
   */
  goneBy: z.record(z.string(), z.iso.datetime().nullable()),
});

/** @returns undefined when there is none of this id. @throws invalid-table when it can't be read. */
export async function readReceipt(access: TableAccess, id: string): Promise<Receipt | undefined> {
  const { store, location } = access;
  const object = tableObject(location, receiptPath(id));
  try {
    const { bytes } = await store.get(object, { bytesMax: RECEIPT_BYTES_MAX });
    return receiptSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    if (cause instanceof FruitstreamError && cause.code === "not-found") return undefined;
    if (cause instanceof FruitstreamError) throw cause;
    const problem = `${formatTableUri(location)}/${receiptPath(id)} is no receipt: ${String(cause)}`;
    throw new FruitstreamError("invalid-table", problem, { cause });
  }
}

export async function writeReceipt({ store, location }: TableAccess, receipt: Receipt): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(receipt, null, 2)}\n`);
  await store.put(tableObject(location, receiptPath(receipt.id)), bytes, { contentType: "application/json" });
}

/** Relative to the table's root. */
function receiptPath(id: string): string {
  return `${SIDE_FOLDER}/forgotten/${id}.json`;
}
