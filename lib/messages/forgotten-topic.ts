import { z } from "zod";
import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { LogAdmin, LogRecord, NewRecord, RecordLog } from "#lib/log/record-log.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { ForgottenPhotos, type ForgottenRule, ruleKey } from "./forgotten-photos.ts";

export interface ForgottenTopicDeps {
  readonly topic: string;
  readonly log: Pick<RecordLog, "readTopic">;
  readonly admin: Pick<LogAdmin, "partitionCount" | "endOffsets">;
  readonly logger: Logger;
}

/**
 * The compacted topic of what is forgotten, as a process has read it. It lies beside `photos` and `features`, so that whoever
 * reads these, into whichever table, can read it too.
 */
export class ForgottenTopic {
  readonly photos = new ForgottenPhotos();
  readonly #deps: ForgottenTopicDeps;
  #next: ReadonlyMap<number, number> = new Map();

  constructor(deps: ForgottenTopicDeps) {
    this.#deps = deps;
  }

  /**
   * Reads what was appended since the last time: afterwards `photos` has every rule that was acknowledged before the call.
   * Costs one look at the topic's end where there is nothing new.
   */
  async refresh(): Promise<void> {
    const { topic, log, admin, logger } = this.#deps;
    // Nobody has ever forgotten anything here.
    if ((await admin.partitionCount(topic)) === undefined) return;
    const ends = offsetMap(await admin.endOffsets(topic));
    if ([...ends].every(([partition, end]) => end <= (this.#next.get(partition) ?? 0))) return;
    const onRecord = (record: LogRecord) => {
      const rule = decodeRule(record.value);
      if (rule) return this.photos.add(rule);
      const { partition, offset } = record;
      const fields = { event: "forgotten_rule_unreadable", topic, partition, offset };
      logger.warn(
        fields,
        "a record of the topic of forgotten photos can't be read; a later version may have written it",
      );
    };
    await log.readTopic(topic, onRecord, this.#next);
    this.#next = ends;
  }
}

/** A rule as a record. Its key is the rule's, so that compaction keeps one for each. */
export function ruleRecord(rule: ForgottenRule): NewRecord {
  return { key: Buffer.from(ruleKey(rule)), value: Buffer.from(JSON.stringify({ version: 1, ...rule })) };
}

/** Undefined for bytes that are no rule. */
export function decodeRule(value: Uint8Array | null): ForgottenRule | undefined {
  try {
    return ruleSchema.parse(JSON.parse(Buffer.from(value ?? "").toString()));
  } catch {
    return undefined;
  }
}

export const ruleSchema = z.object({
  kind: z.enum(["photo", "prefix"]),
  length: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  announcedBeforeMs: z.number().int().nullable(),
});
