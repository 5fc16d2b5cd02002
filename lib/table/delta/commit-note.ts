import { z } from "zod";

/**
 * What our commits say in their `commitInfo` beside what Delta's do, under `fruitstream`. Other tools pass it over. A
 * commit that is written over by a tool that puts without a condition is missed by the next one's note, which says what
 * it held: whoever reads the log finds the gap, and can fill it.
 */
export type CommitNote = z.output<typeof commitNoteSchema>;

/** What a commit held, without statistics: what is needed to make it again. */
export type NotedCommit = z.output<typeof notedCommit>;

const wholeNumber = z.number().int();

const notedFile = z.object({
  path: z.string(),
  partitionValues: z.record(z.string(), z.string().nullable()),
  size: wholeNumber,
  modificationTime: wholeNumber,
  numRecords: wholeNumber.nullable(),
});

const notedCommit = z.object({
  operation: z.string(),
  dataChange: z.boolean(),
  adds: z.array(notedFile),
  removes: z.array(notedFile),
  /** Of each `txn`: its application id, where it was before, and where the commit moved it. */
  txns: z.array(z.tuple([z.string(), wholeNumber.nullable(), wholeNumber])),
});

/** The commit before: its version, its `txnId` and who wrote it (null where it doesn't say), and what it held if it was ours. */
const followed = z.object({
  version: wholeNumber,
  id: z.string().nullable(),
  engine: z.string().nullable(),
  held: notedCommit.nullish(),
});

export const commitNoteSchema = z.object({
  /** Where each `txn` of this commit was before, in their order; null where there was none. */
  bases: z.array(wholeNumber.nullable()),
  follows: followed.nullish(),
  /** This commit puts back what that one held, which another tool has written over; or notes that nobody can. */
  settles: z.object({ version: wholeNumber, id: z.string().nullable() }).nullish(),
});

/** Who wrote a commit, as `DESCRIBE HISTORY` shows it. */
export const ENGINE = "fruitstream";
