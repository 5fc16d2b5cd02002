import { join, resolve } from "node:path";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import type { LogAdmin, PositionedProducer } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import { type DeadLetter, LIVE_RUN } from "#lib/messages/messages.ts";
import { DEFAULT_RETENTION, type Topics, topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { FILE_BUCKET, photoUri } from "#lib/photo/photo-uri.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { makeOutputFolder } from "#lib/runtime/output-folder.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { AskedPartitioning } from "#lib/table/partitioning.ts";
import { formatTableUri, type TableLocation } from "#lib/table/table-location.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { summarisePartitions } from "#lib/table/table-summary.ts";
import { LOCAL_BUCKETS } from "./photos-in-place.ts";

/** Beside the table, with a name that a listing leaves out: what was announced, what is under way, the log file. */
export const STATE_FOLDER = ".fruitstream";

/** The output folder as a bucket: the table is a folder of it. */
export const TABLE_LOCATION: TableLocation = { bucket: "out", prefix: "table" };

/** Every photo passes one featurizer and one reducer; a second partition would give smaller files and no more speed. */
const PARTITIONS = 1;

/** Counts over all runs of a model. */
export interface WorkTally {
  readonly announced: number;
  readonly rows: number;
  /** By the photo's offset: a letter that a crash had written twice is one. */
  readonly letters: ReadonlyMap<number, DeadLetter>;
  /** Of the letters, those that nobody has retried or dropped. */
  readonly openLetters: number;
}

/**
 * An output folder at work: its table, and the log and the store that the services are composed over. One process has it
 * at a time. The topics carry the model's id, so that a folder may hold the vectors of several models, each with all
 * photos.
 */
export class LocalWorkplace {
  readonly topics: Topics;
  readonly log: FolderRecordLog;
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly store: ObjectStore;
  readonly table: DeltaTable;
  readonly tableFolder: string;
  readonly logPath: string;

  readonly #model: string;
  /** As it was when the folder was opened: nobody forgets meanwhile. */
  readonly #forgotten: ForgottenTopic;

  private constructor(model: string, forgotten: ForgottenTopic, parts: Pick<LocalWorkplace, WorkplacePart>) {
    this.#model = model;
    this.#forgotten = forgotten;
    this.topics = parts.topics;
    this.log = parts.log;
    this.admin = parts.admin;
    this.producer = parts.producer;
    this.store = parts.store;
    this.table = parts.table;
    this.tableFolder = parts.tableFolder;
    this.logPath = parts.logPath;
  }

  /**
   * @param model the model's id.
   * @throws usage when the folder can't be written, when another process works in it, or when its table and its log belong to different works;
   * access-denied, stack-unavailable or invalid-table when something in it can't be used.
   */
  static async open(out: string, model: string, partitioning: AskedPartitioning = {}): Promise<LocalWorkplace> {
    const state = join(out, STATE_FOLDER);
    await makeOutputFolder(out, "--out");
    // First, since it keeps other processes out.
    const log = await FolderRecordLog.open(state, systemClock);
    try {
      const topics = topicsWithPrefix(`${model}.`);
      const admin = await log.openAdmin();
      await admin.ensureTopics(topicShapes(topics, PARTITIONS));
      const store = await openFolderObjectStore(join(state, "store"), { [TABLE_LOCATION.bucket]: out });
      const table = await openTable(store, TABLE_LOCATION, { createIfAbsent: true, partitioning });
      await requireOneWork(out, admin, table, topics);
      const producer = await log.openProducer();
      const forgotten = new ForgottenTopic({ topic: topics.forgotten, log, admin, logger: silentLogger });
      await forgotten.refresh();
      const tableFolder = resolve(out, TABLE_LOCATION.prefix);
      const logPath = join(state, "services.log");
      return new LocalWorkplace(model, forgotten, { topics, log, admin, producer, store, table, tableFolder, logPath });
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** Whether the photo's arrival with this content is on the log, or the photo is forgotten. */
  isAnnounced(key: string, etag: string): boolean {
    if (this.#forgotten.photos.has(photoUri({ bucket: FILE_BUCKET, key }), this.table.clock.nowMs())) return true;
    return this.log
      .recordsWithKey(this.topics.photos, Buffer.from(key))
      .some(({ value }) => photoArrivedCodec.decode(value).etag === etag);
  }

  /** What became of all photos so far: those in neither rows nor letters are still under way. */
  async tally(): Promise<WorkTally> {
    // Announcements of photos that are forgotten are gone, and these photos are not waited for.
    const announced = this.log.countOf(this.topics.photos);
    await this.table.advance();
    const partitions = summarisePartitions(this.table.snapshot).filter(({ model }) => model === this.#model);
    const letters = new Map<number, DeadLetter>();
    const photoOfLetter = new Map<number, number>();
    const settled = new Set<number>();
    await this.log.readTopic(this.topics.deadLetters, ({ offset, value }) => {
      const record = decodeDeadLetterRecord(value);
      if (record.kind === "letter") {
        letters.set(record.letter.sourceOffset, record.letter);
        photoOfLetter.set(offset, record.letter.sourceOffset);
      } else settled.add(record.mark.letterOffset);
    });
    const open = new Set([...photoOfLetter].flatMap(([offset, photo]) => (settled.has(offset) ? [] : photo)));
    const rows = partitions.reduce((sum, partition) => sum + partition.rows, 0);
    return { announced, rows, letters, openLetters: open.size };
  }

  /** Gives up the vectors that are in the table. What was announced is kept: it says which photos are not new. */
  removeReduced(): void {
    const { features } = this.topics;
    const progress = new TableProgress(features, this.table.snapshot.txnVersions);
    const reduced = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      offset: progress.nextOffset(partition),
    }));
    this.log.removeBelow(features, reduced);
  }

  close(): void {
    this.store.close();
    this.log.close();
  }
}

type WorkplacePart = "topics" | "log" | "admin" | "producer" | "store" | "table" | "tableFolder" | "logPath";

/** A table that was removed, or a log that was, would leave photos out without a word. */
async function requireOneWork(out: string, admin: LogAdmin, table: DeltaTable, { features }: Topics): Promise<void> {
  const progress = new TableProgress(features, table.snapshot.txnVersions);
  const [earliest, end] = await Promise.all([admin.earliestOffsets(features), admin.endOffsets(features)]);
  for (const { partition, offset } of end) {
    const reached = progress.nextOffset(partition);
    if (reached >= earliest[partition]!.offset && reached <= offset) continue;
    const missing = reached > offset ? STATE_FOLDER : TABLE_LOCATION.prefix;
    const problem = `${join(out, missing)} was removed or replaced, and what is left does not go together`;
    throw new FruitstreamError("usage", `${problem}; put it back, or name another folder with --out`);
  }
}

/** What the services are told in a workplace, whatever the environment says. */
export function workplaceConfig(modelId: string, modelDir: string, components: number) {
  const topics = { topicPrefix: `${modelId}.`, topicPartitions: PARTITIONS, ...DEFAULT_RETENTION };
  return {
    featurizer: {
      ...topics,
      modelDir,
      buckets: LOCAL_BUCKETS,
      group: FEATURIZER_GROUP,
      run: LIVE_RUN,
      until: undefined,
      commitMs: 200,
    },
    reducer: { ...topics, tableUri: formatTableUri(TABLE_LOCATION), group: "reducers", until: undefined, components },
  };
}

export const FEATURIZER_GROUP = "featurizers";
