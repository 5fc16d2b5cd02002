import { GroupMember } from "#lib/log/group-member.ts";
import type { ReadingEnd } from "#lib/log/reading-end.ts";
import type { RecordConsumer, RecordProducer } from "#lib/log/record-log.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import type { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import type { MonotonicClock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { TellStarter } from "#lib/runtime/service-message.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { PhotoVersions, type PhotoVersionsOptions } from "#lib/table/photo-versions.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import { FORGOTTEN_APP_ID, requireOffsets, TableProgress } from "#lib/table/table-progress.ts";
import { BasisKeeper } from "./basis-keeper.ts";
import type { KnownModels } from "./known-models.ts";
import { Projector } from "./projector.ts";
import { ReducerWork } from "./reducer-work.ts";
import type { SameTopicsDeps, SameTopicsOptions } from "./same-topics.ts";
import { seeOthersCommits } from "./see-others-commits.ts";
import { SourceEnds } from "./source-ends.ts";
import { SubjectBases } from "./subject-bases.ts";
import { TopicWatch } from "./topic-watch.ts";
import { VectorIntake } from "./vector-intake.ts";
import { VectorLengths } from "./vector-lengths.ts";
import type { Window, WindowBounds } from "./window.ts";

export interface ReducerDeps {
  readonly consumer: RecordConsumer;
  readonly producer: RecordProducer;
  readonly schemas: Pick<SchemaTopic, "learn">;
  readonly admin: SameTopicsDeps;
  readonly forgotten: Pick<ForgottenTopic, "photos" | "refresh">;
  readonly table: DeltaTable;
  readonly kernel: MatrixKernel;
  readonly clock: MonotonicClock;
  readonly health: Health;
  readonly logger: Logger;
  /** Told of each commit, and of what came of all records at the end. */
  readonly tell?: TellStarter | undefined;
}

export interface ReducerOptions extends SameTopicsOptions {
  readonly window: WindowBounds;
  /** Where reading ends; undefined reads for ever. */
  readonly end?: ReadingEnd | undefined;
  /** How many photo versions are remembered, and for how long. */
  readonly photoVersions: Pick<PhotoVersionsOptions, "countMax" | "ageMsMax">;
  /** k, the number of principal components. */
  readonly components: number;
  /** The first vector of a model may have so many values: moments take memory by their square. */
  readonly vectorValuesMax: number;
  /** Models that a vector may be the first of; undefined for all. */
  readonly models?: KnownModels | undefined;
  /** A candidate basis that has turned by more is published before the rows have doubled. */
  readonly angleDegreesMax: number;
}

/** The partition whose owner keeps the moments and publishes bases. Every topic has it. */
const KEEPER_PARTITION = 0;
/** How often the age of an open window is looked at, in parts of its bound. */
const LOOKS_PER_WINDOW = 5;
/** However long a window may be open, commits of others that have made it useless are noticed within this time. */
const LOOK_MS_MAX = 5_000;
/** Whether the end is reached is looked at more often: somebody may wait for it. */
const END_LOOK_MS = 500;
/** How long a stop waits for the last window's commit; without it the window's records are read again. */
const LAST_COMMIT_MS_MAX = 6_000;

/**
 * A reducer: feature vectors in, table commits out.
 *
 * Delivery: each source position becomes exactly one row, unless the table has its photo version already. A repeat lies
 * below its high-water mark and is dropped. An
 * assignment commits the open window, also what it holds of partitions that have gone to others. Where their new owner
 * has committed first, the window finds the table's offsets moved: it is fenced, dropped as a whole, and the member reads
 * on from the table's offsets.
 *
 * Of all reducers, one keeps the moments: the owner of features partition 0. Its keeper lives as long as it owns that.
 */
export function createReducer(deps: ReducerDeps, options: ReducerOptions): GroupMember {
  const { table, kernel, logger, tell } = deps;
  const { window, end, topics } = options;
  const retry = new WaitingRetry(deps);
  const sourceEnds = new SourceEnds({ ...deps, ask: () => deps.admin.endOffsets(topics.photos) }, topics.photos);
  const bases = new SubjectBases(table, kernel, options.components);
  const { components, vectorValuesMax: valuesMax, models } = options;
  const lengths = new VectorLengths(table, bases, { components, valuesMax, models });
  const intake = new VectorIntake({ ...deps, retry, lengths, sourceEnds }, options);
  const projector = new Projector(bases, kernel);
  const remembered = { ...options.photoVersions, featuresTopic: topics.features };
  let photoVersions: PhotoVersions | undefined;
  const watch = new TopicWatch({ ...deps, retry }, options);
  let keeper: BasisKeeper | undefined;
  /** What became of the records that this member has committed. */
  const totals = { records: 0, rows: 0, known: 0, repeats: 0, forgotten: 0, markers: 0 };
  const committed = ({ records, rows, known, repeats, forgotten, markers }: Window) => {
    totals.records += records;
    totals.rows += rows.length;
    totals.known += known;
    totals.repeats += repeats;
    totals.forgotten += forgotten;
    totals.markers += markers;
  };
  const workOptions = { featuresTopic: topics.features, window, isBounded: end !== undefined };
  const windowLookMs = Math.max(1, Math.floor(window.openMsMax / LOOKS_PER_WINDOW));
  return new GroupMember(
    {
      ...deps,
      open: async (partitions, host) => {
        const isKeeping = partitions.includes(KEEPER_PARTITION);
        // Its moments are up to four times 67 MB: whoever keeps them no more lets them go.
        if (!isKeeping) keeper = undefined;
        await seeOthersCommits({ table, keeper, photoVersions, retry }, host.stopping);
        requireOffsets(table.snapshot, formatTableUri(table.location));
        const now = await watch.atAssignment(host.stopping);
        const versions = photoVersions?.isOf(now) ? photoVersions : new PhotoVersions(table, { ...remembered, ...now });
        photoVersions = versions;
        const attempt = () => versions.own(partitions);
        await retry.run({ part: "s3", name: "photo-versions", signal: host.stopping, attempt });
        // The table first: whatever it counts by then is on the topic, and what comes later fences the windows.
        const guards = [{ appId: FORGOTTEN_APP_ID, base: table.snapshot.txnVersions.get(FORGOTTEN_APP_ID) }];
        const reread = { part: "kafka", name: "forgotten", signal: host.stopping } as const;
        await retry.run({ ...reread, attempt: () => deps.forgotten.refresh() });
        metrics.reducerPhotoVersions.set(versions.count);
        // A new one loads them with the first window, so that the assignment does not wait for it.
        if (isKeeping) keeper ??= new BasisKeeper(table, kernel, bases, options.angleDegreesMax);
        const forgotten = deps.forgotten.photos;
        const own = { intake, photoVersions: versions, projector, keeper, retry, committed, watch, forgotten };
        return new ReducerWork({ ...deps, ...own }, { ...workOptions, topicsNow: now, guards }, host, partitions);
      },
      doneByGroup: async () => {
        const progress = new TableProgress(topics.features, table.snapshot.txnVersions);
        return (partition) => progress.nextOffset(partition);
      },
      finished: () => {
        logger.info({ event: "end_reached", ...totals }, "the table has everything up to the end");
        tell?.({ kind: "reduced", ...totals });
      },
    },
    {
      closeAtAssignment: "drain",
      tickMs: Math.min(windowLookMs, end ? END_LOOK_MS : LOOK_MS_MAX),
      drainMsMax: LAST_COMMIT_MS_MAX,
      end,
    },
  );
}
