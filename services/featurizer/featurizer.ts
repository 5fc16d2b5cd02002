import { GroupMember } from "#lib/log/group-member.ts";
import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { ReadingEnd } from "#lib/log/reading-end.ts";
import type { PartitionOffset, RecordConsumer, RecordProducer } from "#lib/log/record-log.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import type { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import { PhotoFeaturizer, type PhotoFeaturizerDeps, type PhotoFeaturizerOptions } from "./featurize-photo.ts";
import { FeaturizerWork, type FeaturizerWorkOptions } from "./featurizer-work.ts";
import { ForgottenFollower } from "./forgotten-follower.ts";
import { OutcomePublisher, type OutcomePublisherOptions } from "./publish-outcomes.ts";

export interface FeaturizerDeps extends Omit<PhotoFeaturizerDeps, "retry" | "forgotten"> {
  readonly forgotten: Pick<ForgottenTopic, "photos" | "refresh">;
  readonly consumer: RecordConsumer;
  /** The group's committed next offsets on the photos topic. */
  readonly committedOffsets: () => Promise<PartitionOffset[]>;
  /** Partitions of the features topic now. */
  readonly featuresPartitions: () => Promise<number | undefined>;
  readonly producer: RecordProducer;
  readonly schemas: Pick<SchemaTopic, "learn">;
  readonly health: Health;
  readonly logger: Logger;
}

export interface FeaturizerOptions extends PhotoFeaturizerOptions, FeaturizerWorkOptions, OutcomePublisherOptions {
  readonly commitMs: number;
  /** Where the group's reading ends; undefined reads for ever. */
  readonly end?: ReadingEnd | undefined;
}

/** How long a stop waits for the photos in flight before it drops them; they are done again after the restart. */
const DRAIN_MS_MAX = 5_000;

/**
 * A featurizer: photos' keys in, feature vectors out. Fetch, decode, infer and publish overlap across photos and
 * partitions, and each source partition is published in the order of its offsets to features partition `source mod n`.
 *
 * Delivery: a source offset is committed after its vector or dead letter is acknowledged. A crash, a rebalance or a
 * zombie can therefore only repeat what was published before; whoever reads `features` sees the first appearance of
 * every source offset after that of every smaller one.
 */
export function createFeaturizer(deps: FeaturizerDeps, options: FeaturizerOptions): GroupMember {
  const retry = new WaitingRetry(deps);
  const photos = new PhotoFeaturizer({ ...deps, forgotten: deps.forgotten.photos, retry }, options);
  const publisher = new OutcomePublisher({ ...deps, retry }, options);
  return new GroupMember(
    {
      ...deps,
      open: async (partitions, host) => {
        const asked = { part: "kafka", name: "committed-offsets", signal: host.stopping } as const;
        const committed = offsetMap(await retry.run({ ...asked, attempt: deps.committedOffsets }));
        const read = { part: "kafka", name: "forgotten", signal: host.stopping } as const;
        await retry.run({ ...read, attempt: () => deps.forgotten.refresh() });
        const starts = [...committed].filter(([partition]) => partitions.includes(partition));
        const count = await retry.run({ ...asked, name: "features-partitions", attempt: deps.featuresPartitions });
        if (count === undefined) throw missingFeatures(options);
        const workDeps = { ...deps, photos, publisher, follow: new ForgottenFollower(deps) };
        return new FeaturizerWork(workDeps, options, host, partitions, new Map(starts), count);
      },
      doneByGroup: async () => {
        const committed = offsetMap(await deps.committedOffsets());
        return (partition) => committed.get(partition);
      },
      finished: () => deps.logger.info({ event: "end_reached" }, "everything up to the end is published"),
    },
    // What is in flight was not published, and the group knows nothing of it: its next owner fetches it again.
    { ...options, closeAtAssignment: "drop", tickMs: options.commitMs, drainMsMax: DRAIN_MS_MAX },
  );
}

function missingFeatures({ topics: { features } }: FeaturizerOptions): FruitstreamError {
  return new FruitstreamError("invalid-config", `topic "${features}" does not exist any more: was it deleted?`);
}
