import { setTimeout as sleepMs } from "node:timers/promises";
import { expect, vi } from "vitest";
import { uploadUntilTaken } from "./phone.ts";
import { useFaultStack } from "./scenario.ts";
import type { ServiceUnderFault } from "./service-under-fault.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

/** The long form takes 600: FAULT_OUTAGE_S=600 npx vitest run --project faults liveness. */
const OUTAGE_MS = 1_000 * Number(process.env.FAULT_OUTAGE_S ?? 60);
/** Announced again and again, with a pause. */
const OUTAGE_PHOTOS = 20;
const OUTAGE_PAUSE_MS = 1_000;
const BACKLOG_PHOTOS = 3_000;
const CATCH_UP_MS_MAX = 120_000 + OUTAGE_MS;

const IDLE_MS_MAX = 1_000;
const IDLE_MS = 8_000;
const IDLE_COMPLAINTS_MAX = 4;

const LATE_PHOTOS = 2_400;
const LATE_HOURS = 24;
/** Far longer than the scenarios take: no window comes to its end by itself. */
const LATE_WINDOW_MS = 600_000;

const PASSING_REDUCERS = 4;
const PASSING_PHOTOS = 80;

vi.setConfig({ testTimeout: 2 * OUTAGE_MS + 300_000 });
const { scenario } = useFaultStack();

scenario("S3 is away for long", async (world) => {
  const { stack } = world.parts;
  await world.startAll(2, 2);
  await world.flowUntil("photos have flowed", () => world.announced >= 200);
  await world.settled();
  await world.atRest();
  const joins = countJoins(world);
  await world.putAhead(BACKLOG_PHOTOS + OUTAGE_PHOTOS * (OUTAGE_MS / OUTAGE_PAUSE_MS));

  await stack.killS3();
  const endMs = performance.now() + OUTAGE_MS;
  await world.announce(BACKLOG_PHOTOS);
  // The second reducer has nothing to write, so it needs no S3.
  const waiters = world.services.filter(({ kind, partitions }) => kind === "featurizer" || partitions?.includes(0));
  await until("everyone who needs S3 says that it waits", () => allWaitForS3(waiters), OUTAGE_MS);
  while (performance.now() < endMs) {
    await world.announce(OUTAGE_PHOTOS);
    await sleepMs(OUTAGE_PAUSE_MS);
  }
  expect(await allWaitForS3(waiters), "they still wait").toBe(true);
  expect(countJoins(world), "heartbeats have kept every membership").toEqual(joins);

  await stack.startS3();
  await world.settled(CATCH_UP_MS_MAX);
  await until("everyone is ready", () => all(world.services, async (service) => (await service.readiness()).ready));
});

scenario("Kafka closes connections that lie idle", async (world) => {
  const { kafkaProxy } = world.parts.stack;
  const [photo] = world.parts.photos;
  const { id } = world.parts;
  await world.startAll(2, 2);
  const ingest = world.start("ingest");
  await world.shared();
  await world.atRest();
  world.expectPhoto(`photos/${id}/before.png`, photo!);
  world.expectPhoto(`photos/${id}/after.png`, photo!);
  await uploadUntilTaken(ingest, id, "before.png", photo!);
  await world.announce(80);
  await world.settled();

  const complaints = () => world.services.reduce((sum, service) => sum + service.complaints, 0);
  const before = complaints();
  kafkaProxy.closeIdle(IDLE_MS_MAX);
  await sleepMs(IDLE_MS);
  expect(kafkaProxy.idleEnds, "idle connections were closed").toBeGreaterThan(0);

  const { times } = await uploadUntilTaken(ingest, id, "after.png", photo!);
  expect(times, "the upload after the pause is taken at once").toBe(1);
  await world.announce(80);
  await world.settled();
  expect(complaints() - before).toBeLessThanOrEqual(IDLE_COMPLAINTS_MAX);
});

scenario("photos of a day's hours arrive interleaved", async (world) => {
  for (let index = 0; index < 2; index++) {
    world.start("featurizer");
    world.start("reducer", { REDUCER_WINDOW_MS_MAX: String(LATE_WINDOW_MS) });
  }
  await world.shared();
  await world.atRest();
  await world.announce(LATE_PHOTOS, LATE_HOURS);
  await until("every vector is published", async () => (await world.state()).featurizerLag === 0, CATCH_UP_MS_MAX);
  await world.flush();

  const files = [...(await world.table()).snapshot.files.values()];
  const hours = new Set(files.map(({ partitionValues: { dt, hour } }) => `${dt} ${hour}`));
  expect(hours.size).toBe(LATE_HOURS);
  // Each reducer's markers lie on two partitions: at most two windows each, of one file an hour.
  expect(files.length).toBeLessThanOrEqual(2 * 2 * LATE_HOURS);
});

scenario("a third reducer joins and leaves faster than windows are due", async (world) => {
  const window = { REDUCER_WINDOW_MS_MAX: String(LATE_WINDOW_MS) };
  world.start("featurizer");
  const permanent = [world.start("reducer", window), world.start("reducer", window)];
  await world.shared();
  for (let passing = 0; passing < PASSING_REDUCERS; passing++) {
    await world.announce(PASSING_PHOTOS);
    await until("every vector is published", async () => (await world.state()).featurizerLag === 0);
    const third = world.start("reducer", window);
    const members = [...permanent, third];
    await until("the three have shared their partitions", () => haveShared(members));
    await third.end("SIGTERM");
    await until("the two have shared their partitions", () => haveShared(permanent));
  }
  await until("both that stay have committed", () =>
    permanent.every((reducer) => reducer.logged("table_committed") > 1),
  );
  await world.flush();
});

/** Whether each of the four partitions belongs to one of them, and each of them has one. */
function haveShared(members: readonly ServiceUnderFault[]): boolean {
  const partitions = members.flatMap((member) => member.partitions ?? []);
  const isComplete = partitions.toSorted().join() === "0,1,2,3";
  // Reading the topic of schemas at a start is an assignment as well.
  return isComplete && members.every((member) => member.isAtWork && member.logged("reducer_started") > 0);
}

function countJoins({ services }: World): number[] {
  return services.map((service) => service.logged("partitions_assigned"));
}

function allWaitForS3(services: readonly ServiceUnderFault[]): Promise<boolean> {
  return all(services, async (service) => {
    const { ready, parts } = await service.readiness();
    return !ready && parts.s3?.state === "waiting";
  });
}

async function all<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(items.map(holds))).every(Boolean);
}
