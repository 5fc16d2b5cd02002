import { setImmediate } from "node:timers/promises";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ConsumerHandlers, LogRecord, PartitionOffset, RecordConsumer } from "../record-log.ts";

/** What a group reads: one topic, and the group's own offsets on it. */
export interface GroupSource {
  partitions(): readonly number[];
  /** Some consecutive records from an offset on; none when there are none yet. */
  read(partition: number, offset: number): readonly LogRecord[];
  committedOffset(partition: number): number | undefined;
  commit(offsets: readonly PartitionOffset[]): void;
}

/**
 * A consumer group whose members all live in this process. Partitions are shared out among them, round robin, whenever
 * one joins or leaves.
 */
export class LogGroup {
  readonly #source: GroupSource;
  readonly #members: GroupMember[] = [];

  constructor(source: GroupSource) {
    this.#source = source;
  }

  get memberCount(): number {
    return this.#members.length;
  }

  /** A member that joins when it is run. */
  createMember(): RecordConsumer {
    return new GroupMember(this.#source, {
      join: (member) => {
        this.#members.push(member);
        this.share();
      },
      leave: (member) => {
        this.#members.splice(this.#members.indexOf(member), 1);
        this.share();
      },
    });
  }

  /** To be called when there are new records. */
  wake(): void {
    for (const member of this.#members) member.wake();
  }

  /** Gives all partitions to the members anew. To be called when partitions were added. */
  share(): void {
    const partitions = this.#source.partitions();
    for (const [place, member] of this.#members.entries()) {
      member.assign(partitions.filter((partition) => partition % this.#members.length === place));
    }
  }
}

interface Membership {
  join(member: GroupMember): void;
  leave(member: GroupMember): void;
}

/** One owned partition: where to read on, and whether a handler has its records in hand. */
interface OwnedPartition {
  position: number;
  busy: boolean;
}

class GroupMember implements RecordConsumer {
  readonly #source: GroupSource;
  readonly #membership: Membership;
  readonly #finished = Promise.withResolvers<void>();
  #handlers: ConsumerHandlers | undefined;
  #owned = new Map<number, OwnedPartition>();
  #stopped = false;

  constructor(source: GroupSource, membership: Membership) {
    this.#source = source;
    this.#membership = membership;
  }

  async run(handlers: ConsumerHandlers): Promise<void> {
    if (this.#stopped) return;
    this.#handlers = handlers;
    this.#membership.join(this);
    await this.#finished.promise;
  }

  /** Takes these partitions in place of those owned before. */
  assign(partitions: readonly number[]): void {
    const owned = new Map<number, OwnedPartition>();
    this.#owned = owned;
    const ready = this.#handlers!.assigned(partitions).then((starts) => {
      if (this.#owned !== owned) return;
      for (const partition of partitions) {
        const position = starts.get(partition) ?? this.#source.committedOffset(partition) ?? 0;
        owned.set(partition, { position, busy: false });
      }
      this.wake();
    });
    ready.catch((error) => this.#fail(error));
  }

  /** Goes on with every partition that nobody has in hand. */
  wake(): void {
    for (const [partition, place] of this.#owned) {
      if (!place.busy) this.#deliver(partition, place).catch((error) => this.#fail(error));
    }
  }

  seek(partition: number, offset: number): void {
    const place = this.#owned.get(partition);
    if (!place) return;
    this.#owned.set(partition, { position: offset, busy: place.busy });
    this.wake();
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (!this.#handlers || this.#stopped) {
      throw new FruitstreamError("broker-unavailable", "this member is not in its group; join it first");
    }
    this.#source.commit(offsets);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#owned = new Map();
    if (this.#handlers) this.#membership.leave(this);
    this.#finished.resolve();
  }

  /** Hands over what the partition has from its position on, batch by batch, until there is no more. */
  async #deliver(partition: number, place: OwnedPartition): Promise<void> {
    const owned = this.#owned;
    place.busy = true;
    for (;;) {
      // Reading blocks the thread, so everybody else has a turn between two batches.
      await setImmediate();
      const current = owned.get(partition)!;
      if (this.#owned !== owned) return;
      const records = this.#source.read(partition, current.position);
      if (records.length === 0) {
        current.busy = false;
        return;
      }
      await this.#handlers!.records(partition, records);
      // A seek while the records were in hand has put another place here; its position stands.
      if (owned.get(partition) === current) current.position = records.at(-1)!.offset + 1;
    }
  }

  #fail(error: unknown): void {
    this.#finished.reject(error);
    void this.stop();
  }
}
