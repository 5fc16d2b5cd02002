import type { LogAdmin, PositionedProducer } from "#lib/log/record-log.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";

/** What operations on topics work with: the topics themselves, and the table that is made from them. */
export interface TopicsDeps {
  readonly topics: Topics;
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  /** Is read anew before anything is decided. */
  readonly table: DeltaTable;
  /** The featurizers' consumer group on the topic of photos. */
  readonly featurizerGroup: string;
  /** Takes a line for the person who waits. */
  readonly note: (line: string) => void;
}
