import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { commitNoteSchema } from "./commit-note.ts";

/**
 * The actions of a Delta log (https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions), under the protocol's
 * own names. One exception: `path` is decoded here and percent-encoded in the log. Times are in milliseconds since the
 * Unix epoch, sizes in bytes.
 */
export type Action = z.output<typeof actionSchema>;
export type AddFile = NonNullable<Action["add"]>;
export type RemoveFile = NonNullable<Action["remove"]>;
export type Transaction = NonNullable<Action["txn"]>;
export type Metadata = NonNullable<Action["metaData"]>;
export type Protocol = NonNullable<Action["protocol"]>;
export type DomainMetadata = NonNullable<Action["domainMetadata"]>;
export type Sidecar = NonNullable<Action["sidecar"]>;
export type CommitInfo = NonNullable<Action["commitInfo"]>;

/**
 * Reads one action as parsed from JSON or from a checkpoint's row. An action or a field that we don't know becomes an
 * object without it: writers of a later protocol add some that readers of this one may ignore.
 *
 * @throws invalid-table when a known action lacks what the protocol requires; `origin` says where it stands.
 */
export function parseAction(value: unknown, origin: string): Action {
  const parsed = actionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FruitstreamError("invalid-table", `${origin} is no valid Delta action: ${z.prettifyError(parsed.error)}`);
}

/** Reads a commit file: one action a line; lines without any are passed over. One line is decoded at a time. */
export function parseActions(text: string | Uint8Array, origin: string): Action[] {
  const bytes =
    typeof text === "string" ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const actions: Action[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const content = bytes.toString("utf8", start, end);
    const place = `${origin} line ${line}`;
    if (content.trim() !== "") actions.push(parseAction(parseJson(content, place), place));
    start = end + 1;
  }
  return actions;
}

const NEWLINE = 0x0a;

/** Writes a commit file. */
export function serialiseActions(actions: readonly Action[]): string {
  return actions.map((action) => `${JSON.stringify(encodePaths(action))}\n`).join("");
}

/** The action with its path as the log and checkpoints hold it. */
export function encodePaths(action: Action): Action {
  const { add, remove } = action;
  if (add) return { ...action, add: { ...add, path: encodePath(add.path) } };
  if (remove) return { ...action, remove: { ...remove, path: encodePath(remove.path) } };
  return action;
}

/** A path as the URI reference of RFC 2396 that the protocol asks for; `=` and `/` stay readable. */
function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}

const wholeNumber = z.number().int();
const stringMap = z.record(z.string(), z.string().nullable());

const path = z.string().transform((encoded, context) => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    context.addIssue({ code: "custom", message: `path "${encoded}" is not percent-encoded` });
    return z.NEVER;
  }
});

const add = z.object({
  path,
  partitionValues: stringMap,
  size: wholeNumber,
  modificationTime: wholeNumber,
  dataChange: z.boolean(),
  stats: z.string().nullish(),
  tags: stringMap.nullish(),
  /** Rows that are deleted though they stand in the file; such a file is refused, not read. */
  deletionVector: z.object({ storageType: z.string(), pathOrInlineDv: z.string() }).nullish(),
});

const remove = z.object({
  path,
  deletionTimestamp: wholeNumber.nullish(),
  dataChange: z.boolean(),
  extendedFileMetadata: z.boolean().nullish(),
  partitionValues: stringMap.nullish(),
  size: wholeNumber.nullish(),
  tags: stringMap.nullish(),
});

const txn = z.object({ appId: z.string(), version: wholeNumber, lastUpdated: wholeNumber.nullish() });

const metaData = z.object({
  id: z.string(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  format: z.object({ provider: z.string(), options: stringMap.nullish() }),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()),
  configuration: stringMap.nullish(),
  createdTime: wholeNumber.nullish(),
});

const protocol = z.object({
  minReaderVersion: wholeNumber,
  minWriterVersion: wholeNumber,
  readerFeatures: z.array(z.string()).nullish(),
  writerFeatures: z.array(z.string()).nullish(),
});

/** What another tool keeps beside the table; the latest of each domain counts. */
const domainMetadata = z.object({ domain: z.string(), configuration: z.string(), removed: z.boolean() });

/** Names a file with part of a checkpoint's actions. */
const sidecar = z.object({ path, sizeInBytes: wholeNumber });

/** Free of form by the protocol; `txnId` is where writers, Spark's too, put the id of the attempt. */
const commitInfo = z.object({
  timestamp: wholeNumber.nullish(),
  operation: z.string().nullish(),
  operationParameters: z.record(z.string(), z.unknown()).nullish(),
  operationMetrics: z.record(z.string(), z.unknown()).nullish(),
  readVersion: wholeNumber.nullish(),
  isolationLevel: z.string().nullish(),
  isBlindAppend: z.boolean().nullish(),
  engineInfo: z.string().nullish(),
  txnId: z.string().nullish(),
  fruitstream: commitNoteSchema.nullish().catch(undefined),
});

const actionSchema = z.object({
  add: add.nullish(),
  remove: remove.nullish(),
  txn: txn.nullish(),
  metaData: metaData.nullish(),
  protocol: protocol.nullish(),
  domainMetadata: domainMetadata.nullish(),
  sidecar: sidecar.nullish(),
  commitInfo: commitInfo.nullish(),
});

function parseJson(line: string, origin: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new FruitstreamError("invalid-table", `${origin} is no JSON: ${String(cause)}`, { cause });
  }
}
