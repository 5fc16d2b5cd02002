import { expect, test } from "vitest";
import { GroupMember, type GroupMemberOptions } from "#lib/log/group-member.ts";
import type { PartitionWork, WorkHost } from "#lib/log/partition-work.ts";
import { ReadingEnd } from "#lib/log/reading-end.ts";
import type { ConsumerHandlers, LogRecord, RecordConsumer } from "#lib/log/record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";

/** What happened to works, consumer and log, in order. */
let events: string[];

test("each assignment closes the work before it opens the next, and records reach the one that is open", async () => {
  const { handlers } = member({ closeAtAssignment: "drain" });
  expect(await handlers.assigned([0, 1])).toEqual(new Map([[0, 10]]));
  await handlers.records(0, records(0, 10, 12));
  await handlers.assigned([1]);
  await handlers.records(0, records(0, 12, 13));
  await handlers.records(1, records(1, 4, 5));
  expect(events).toEqual(["open 1: 0,1", "1 takes 0@10-11", "1 closes by drain", "open 2: 1", "2 takes 1@4-4"]);
});

test("an assignment that is overtaken while its work opens leaves no work open, and says nothing of starts", async () => {
  const gate = Promise.withResolvers<void>();
  const { handlers } = member({}, { beforeOpen: () => gate.promise });
  const overtaken = handlers.assigned([0]);
  const newest = handlers.assigned([0]);
  gate.resolve();
  expect(await overtaken).toEqual(new Map());
  expect(await newest).toEqual(new Map([[0, 10]]));
  expect(events).toEqual(["open 1: 0", "1 closes by drop", "open 2: 0"]);
});

test("a fenced work is dropped and opened anew, and takes nothing that came before the seeks", async () => {
  const gates = [Promise.resolve(), Promise.withResolvers<void>()] as const;
  const { handlers, works } = member({}, { beforeOpen: (nth) => (nth === 1 ? gates[0] : gates[1].promise) });
  await handlers.assigned([0, 1]);
  works[0]!.host.fenced();
  // Both at once tell of one fence.
  works[0]!.host.fenced();
  const stale = handlers.records(0, records(0, 20, 22));
  gates[1].resolve();
  await stale;
  await handlers.records(0, records(0, 10, 11));
  expect(events).toEqual(["open 1: 0,1", "1 closes by drop", "open 2: 0,1", "seek 0@10", "2 takes 0@10-10"]);
});

test("records that wait for their schemas while the partitions are assigned anew reach no work", async () => {
  const learnt = Promise.withResolvers<void>();
  const { handlers } = member({}, { learn: () => learnt.promise });
  await handlers.assigned([0]);
  const handedOver = handlers.records(0, records(0, 10, 12));
  await handlers.assigned([0]);
  learnt.resolve();
  await handedOver;
  expect(events).toEqual(["open 1: 0", "1 closes by drop", "open 2: 0"]);
});

test("offsets that the topic has lost are told, also between two batches, at the start and below the end", async () => {
  const end = new ReadingEnd([{ partition: 0, offset: 30 }], async () => []);
  const { handlers } = member({ end });
  await handlers.assigned([0]);
  await handlers.records(0, records(0, 12, 14));
  await handlers.records(0, [...records(0, 15, 16), ...records(0, 18, 19)]);
  const rests = handlers.records(0, records(0, 33, 40));
  await expect.poll(() => events.at(-1)).toBe("1 finishes 0@30");
  const gaps = events.filter((event) => event.startsWith("gap"));
  expect(gaps).toEqual(["gap 0@10-11", "gap 0@14-14", "gap 0@16-17", "gap 0@19-29"]);

  // It rests there until the partition is assigned again.
  let isResting = true;
  void rests.then(() => {
    isResting = false;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(isResting).toBe(true);
  await handlers.assigned([0]);
  await rests;
});

test("offsets without records are passed over, and told only when those before them are gone", async () => {
  const end = new ReadingEnd([{ partition: 0, offset: 30 }], async () => []);
  const { handlers } = member({ end });
  await handlers.assigned([0]);
  await handlers.records(0, records(0, 10, 11));
  handlers.skipped!(0, 11, 12);
  await handlers.records(0, records(0, 12, 13));
  // From 13 on records have expired: what is missing behind them is not all that is.
  handlers.skipped!(0, 15, 16);
  await handlers.records(0, records(0, 16, 17));
  handlers.skipped!(0, 17, 33);
  await expect.poll(() => events.at(-1)).toBe("1 finishes 0@30");
  expect(events).toEqual([
    ...["open 1: 0", "1 takes 0@10-10", "1 passes 0@12", "1 takes 0@12-12"],
    ...["gap 0@13-15", "1 takes 0@16-16", "1 finishes 0@30"],
  ]);
});

test("a stop drains the work, gives up when its time is over, and leaves the group whatever the work throws", async () => {
  const { handlers, stop, works } = member({ drainMsMax: 1 }, { drains: (host) => rejectedBy(host.givingUp) });
  await handlers.assigned([0]);
  await expect(stop()).rejects.toThrow("no time is left");
  expect(works[0]!.host.stopping.aborted).toBe(true);
  expect(events).toEqual(["open 1: 0", "1 closes by drain", "left the group"]);
});

test("a stop by drop finishes nothing, and leaves the group without waiting for the work", async () => {
  const { handlers, stop, works } = member({});
  await handlers.assigned([0]);
  await stop("drop");
  expect(works[0]!.host.givingUp.aborted).toBe(true);
  expect(events).toEqual(["open 1: 0", "left the group", "1 closes by drop"]);
});

test("a stop waits for no work that is being opened, and none is opened after it", async () => {
  const gate = Promise.withResolvers<void>();
  const { handlers, stop, works } = member({}, { beforeOpen: () => gate.promise });
  const assigned = handlers.assigned([0]);
  await expect.poll(() => works.length).toBe(1);
  await stop();
  gate.resolve();
  expect(await assigned).toEqual(new Map());
  expect(await handlers.assigned([0])).toEqual(new Map());
  expect(events).toEqual(["left the group", "open 1: 0", "1 closes by drop"]);
});

interface Deviation {
  readonly beforeOpen?: (nth: number) => Promise<void>;
  readonly learn?: () => Promise<void>;
  readonly drains?: (host: WorkHost) => Promise<void>;
}

/** A member whose consumer the test drives; its works begin partition 0 at 10, and note what they are told. */
function member(options: Partial<GroupMemberOptions>, deviation: Deviation = {}) {
  events = [];
  const works: { host: WorkHost }[] = [];
  let handlers: ConsumerHandlers | undefined;
  const consumer: RecordConsumer = {
    run: (given) => {
      handlers = given;
      return new Promise<void>(() => undefined);
    },
    seek: (partition, offset) => void events.push(`seek ${partition}@${offset}`),
    commit: async () => undefined,
    stop: async () => void events.push("left the group"),
  };
  const openWork = (nth: number, partitions: readonly number[], host: WorkHost): PartitionWork => ({
    starts: new Map(partitions.includes(0) ? [[0, 10]] : []),
    take: async (partition, taken) =>
      void events.push(`${nth} takes ${partition}@${taken[0]!.offset}-${taken.at(-1)!.offset}`),
    pass: async (partition, nextOffset) => void events.push(`${nth} passes ${partition}@${nextOffset}`),
    finish: async (partition, end) => void events.push(`${nth} finishes ${partition}@${end}`),
    position: () => 0,
    tick: async () => undefined,
    close: async (how) => {
      events.push(`${nth} closes by ${how}`);
      if (how === "drain") await deviation.drains?.(host);
    },
  });
  const groupMember = new GroupMember(
    {
      consumer,
      schemas: { learn: async () => deviation.learn?.() },
      clock: systemClock,
      health: new Health(systemClock.nowMs, []),
      logger: loggerOfGaps(),
      open: async (partitions, host) => {
        works.push({ host });
        const nth = works.length;
        await deviation.beforeOpen?.(nth);
        events.push(`open ${nth}: ${partitions}`);
        return openWork(nth, partitions, host);
      },
      doneByGroup: async () => () => 0,
      finished: () => undefined,
    },
    { closeAtAssignment: "drop", tickMs: 60_000, drainMsMax: 60_000, ...options },
  );
  groupMember.run().catch(() => undefined);
  return { handlers: handlers!, works, stop: (how?: "drain" | "drop") => groupMember.stop(how) };
}

function loggerOfGaps(): typeof silentLogger {
  const error = ({ partition, expected, offset }: { partition: number; expected: number; offset: number }) =>
    void events.push(`gap ${partition}@${expected}-${offset - 1}`);
  return { ...silentLogger, error } as unknown as typeof silentLogger;
}

function records(partition: number, first: number, end: number): LogRecord[] {
  return Array.from({ length: end - first }, (_, index) => {
    return { topic: "t", partition, offset: first + index, key: null, value: null };
  });
}

function rejectedBy(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
