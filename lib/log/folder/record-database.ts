import { randomUUID } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { LogRecord, NewRecord, PartitionOffset } from "../record-log.ts";

/** A partition's oldest record and the one that will be appended next; equal when it holds none. */
export interface PartitionSpan {
  readonly partition: number;
  readonly first: number;
  readonly next: number;
}

/** A record that is to be appended to this partition. */
export type PlacedRecord = NewRecord & { readonly partition: number };

/** How much `read` gives at most; a record that is larger by itself comes alone. */
export interface ReadBounds {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/**
 * Records and groups' offsets in one SQLite file. Every write is one transaction that is on the disk when it returns:
 * a process that is killed, and a power cut, leave all of it or nothing. Nothing but the pages in use is held in memory.
 * The file is locked for other processes while it is open; the lock of a process that dies is gone with it.
 *
 * Every method throws stack-unavailable when the file can't be read or written.
 */
export class RecordDatabase {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws usage when another process has it open; stack-unavailable when it is no such file. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#database = new DatabaseSync(path, { timeout: 0 });
      this.#database.exec(SETTINGS);
      this.#database.exec(TABLES);
      this.#run("INSERT INTO identity SELECT ? WHERE NOT EXISTS (SELECT 1 FROM identity)", randomUUID());
    } catch (error) {
      throw this.#toError(error);
    }
  }

  /** What tells these records from those of a file that takes this one's place. */
  get id(): string {
    return (this.#guard(() => this.#get("SELECT id FROM identity")) as { id: string }).id;
  }

  /** Creates the topic's partitions from one number up to another. */
  createPartitions(topic: string, from: number, count: number): void {
    this.#inTransaction(() => {
      for (let partition = from; partition < count; partition++) {
        this.#run("INSERT INTO partitions (topic, partition, next_offset) VALUES (?, ?, 0)", topic, partition);
      }
    });
  }

  topics(): string[] {
    const rows = this.#guard(() => this.#all("SELECT DISTINCT topic FROM partitions ORDER BY topic"));
    return (rows as unknown as { topic: string }[]).map(({ topic }) => topic);
  }

  /** In the order of the partitions; empty when there is no such topic. */
  spansOf(topic: string): PartitionSpan[] {
    return this.#guard(() =>
      this.#all(
        `SELECT partition, next_offset AS next,
                coalesce((SELECT min(offset) FROM records WHERE place = partitions.place), next_offset) AS first
         FROM partitions WHERE topic = ? ORDER BY partition`,
        topic,
      ),
    ) as unknown as PartitionSpan[];
  }

  /** All of them or none. @returns where they lie, in their order. @throws invalid-config for a partition that is none. */
  append(topic: string, records: readonly PlacedRecord[], nowMs: number): PartitionOffset[] {
    return this.#inTransaction(() =>
      records.map(({ partition, key, value }) => {
        const taken = this.#get(
          `UPDATE partitions SET next_offset = next_offset + 1 WHERE topic = ? AND partition = ?
           RETURNING place, next_offset - 1 AS offset`,
          topic,
          partition,
        ) as { place: number; offset: number } | undefined;
        if (!taken) throw new FruitstreamError("invalid-config", `there is no partition ${partition} of "${topic}"`);
        const { place, offset } = taken;
        this.#run("INSERT INTO records VALUES (?, ?, ?, ?, ?)", place, offset, nowMs, key, value);
        return { partition, offset };
      }),
    );
  }

  /** Consecutive records of a partition from an offset on. */
  read(topic: string, partition: number, offset: number, { recordsMax, bytesMax }: ReadBounds): LogRecord[] {
    return this.#guard(() => {
      const records: LogRecord[] = [];
      let bytes = 0;
      const rows = this.#statement(`${RECORDS} AND partition = ? AND offset >= ? ORDER BY offset LIMIT ?`);
      for (const row of rows.iterate(topic, partition, offset, recordsMax)) {
        const record = toRecord(topic, row as unknown as RecordRow);
        bytes += (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0);
        if (records.length > 0 && bytes > bytesMax) break;
        records.push(record);
      }
      return records;
    });
  }

  /** The topic's records that have this key. */
  recordsWithKey(topic: string, key: Uint8Array): LogRecord[] {
    const rows = this.#guard(() => this.#all(`${RECORDS} AND key = ?`, topic, key));
    return rows.map((row) => toRecord(topic, row as unknown as RecordRow));
  }

  /** The offset of the partition's first record appended at this time or later. */
  offsetAtTime(topic: string, partition: number, timeMs: number): number | undefined {
    const sql = `SELECT min(offset) AS offset FROM records JOIN partitions USING (place)
                 WHERE topic = ? AND partition = ? AND appended_at_ms >= ?`;
    const row = this.#guard(() => this.#get(sql, topic, partition, timeMs)) as { offset: number | null };
    return row.offset ?? undefined;
  }

  committedOffsets(group: string, topic: string): PartitionOffset[] {
    const sql = `SELECT partition, offset FROM committed JOIN partitions USING (place)
                 WHERE group_name = ? AND topic = ? ORDER BY partition`;
    return this.#guard(() => this.#all(sql, group, topic)) as unknown as PartitionOffset[];
  }

  commitOffsets(group: string, topic: string, offsets: readonly PartitionOffset[]): void {
    this.#inTransaction(() => {
      for (const { partition, offset } of offsets) {
        this.#run(
          `INSERT OR REPLACE INTO committed SELECT ?, place, ? FROM partitions WHERE topic = ? AND partition = ?`,
          group,
          offset,
          topic,
          partition,
        );
      }
    });
  }

  /** Removes the records below these offsets and gives their room back to the disk. */
  removeBelow(topic: string, offsets: readonly PartitionOffset[]): void {
    const sql = `DELETE FROM records WHERE offset < ?
                 AND place = (SELECT place FROM partitions WHERE topic = ? AND partition = ?)`;
    this.#inTransaction(() => {
      for (const { partition, offset } of offsets) this.#run(sql, offset, topic, partition);
    });
    this.#guard(() => this.#database.exec("PRAGMA incremental_vacuum"));
  }

  /**
   * Removes single records, and writes the file anew, so that nothing of what was ever removed is left in it. The offsets of
   * others stay what they are.
   */
  erase(topic: string, positions: readonly PartitionOffset[]): void {
    const sql = `DELETE FROM records WHERE offset = ?
                 AND place = (SELECT place FROM partitions WHERE topic = ? AND partition = ?)`;
    this.#inTransaction(() => {
      for (const { partition, offset } of positions) this.#run(sql, offset, topic, partition);
    });
    this.#guard(() => this.#database.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  /** How many records the topic holds. */
  countOf(topic: string): number {
    const sql = "SELECT count(*) AS records FROM records JOIN partitions USING (place) WHERE topic = ?";
    return (this.#guard(() => this.#get(sql, topic)) as { records: number }).records;
  }

  close(): void {
    this.#database.close();
  }

  #inTransaction<Result>(work: () => Result): Result {
    return this.#guard(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        // A full disk ends the transaction by itself.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #run(sql: string, ...values: Value[]): void {
    this.#statement(sql).run(...values);
  }

  #get(sql: string, ...values: Value[]) {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: Value[]) {
    return this.#statement(sql).all(...values);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw this.#toError(error);
    }
  }

  #toError(error: unknown): unknown {
    if (!(error instanceof Error && "errcode" in error)) return error;
    if (error.errcode === SQLITE_FULL) {
      const message = `there is no room left for ${this.#path}; make some and go on`;
      return new FruitstreamError("stack-unavailable", message, { cause: error });
    }
    if (error.errcode === SQLITE_BUSY) {
      const message = `another process works with ${this.#path}; wait until it is done, or stop it`;
      return new FruitstreamError("usage", message, { cause: error });
    }
    const message = `the record log ${this.#path} can't be used: ${error.message}`;
    return new FruitstreamError("stack-unavailable", message, { cause: error });
  }
}

interface RecordRow {
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
}

/** Keys and values as buffers, as the Kafka client has them: the Avro library takes no other bytes. */
function toRecord(topic: string, { partition, offset, key, value }: RecordRow): LogRecord {
  return { topic, partition, offset, key: key && asBuffer(key), value: asBuffer(value) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

type Value = number | string | Uint8Array | null;

/** SQLite's result code for a database that somebody else has locked. */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/** Pages of the size of a few vectors; a commit waits for the disk; the lock is kept from the first write to the end. */
const SETTINGS = `
  PRAGMA page_size = 16384;
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;`;

const TABLES = `
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS partitions (
    place INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    UNIQUE (topic, partition)
  );
  CREATE TABLE IF NOT EXISTS records (
    place INTEGER NOT NULL, offset INTEGER NOT NULL, appended_at_ms INTEGER NOT NULL, key BLOB, value BLOB NOT NULL,
    UNIQUE (place, offset)
  );
  CREATE INDEX IF NOT EXISTS records_by_key ON records (key, place);
  CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS committed (
    group_name TEXT NOT NULL, place INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (group_name, place)
  ) WITHOUT ROWID;
  COMMIT;`;

const RECORDS = "SELECT partition, offset, key, value FROM records JOIN partitions USING (place) WHERE topic = ?";
