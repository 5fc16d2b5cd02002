import { setTimeout as sleepMs } from "node:timers/promises";
import { parseArgs } from "node:util";
import { checkWorld } from "./check-world.ts";
import { openPlace, openWorld } from "./place.ts";
import { S3_FAULTS } from "./s3-fault-proxy.ts";
import { S3_REQUEST_CLASSES } from "./s3-request-class.ts";
import type { World } from "./world.ts";
import { formatReport, problemsOf } from "./world-report.ts";

const FEATURIZERS = 2;
const REDUCERS = 2;
const FLOW_PHOTOS = 16;
const PAUSE_MS_MAX = 3_000;
/** Past the services' session of 6 s. */
const FREEZE_MS = 9_000;
const BROKER_FAULT_MS_MAX = 8_000;
const PROGRESS_MS = 60_000;

/** One kind of mischief; the counts of them all are printed at the end. */
type Mischief = (world: World) => Promise<void>;

const MISCHIEF: Readonly<Record<string, Mischief>> = {
  kill: async ({ parts, services }) => parts.random.pick(services).kill(),
  "S3 fault": async ({ parts: { random, stack } }) => {
    const requestClass = random.pick(S3_REQUEST_CLASSES);
    const of = (exchange: { requestClass: string }) => exchange.requestClass === requestClass;
    stack.s3Proxy.inject({ of, fault: random.pick(S3_FAULTS), times: random.between(1, 4) });
  },
  "Kafka reset": async ({ parts }) => parts.stack.kafkaProxy.reset(),
  "Kafka outage": async ({ parts: { random, stack } }) => {
    stack.kafkaProxy.set(random.pick(["slow", "stall", "cut"] as const));
    await sleepMs(random.between(500, BROKER_FAULT_MS_MAX));
    stack.kafkaProxy.set("pass");
  },
  "Kafka kill": async ({ parts: { stack } }) => {
    await stack.killKafka();
    await stack.startKafka();
  },
  freeze: async ({ parts, services }) => {
    const zombie = parts.random.pick(services);
    zombie.freeze();
    setTimeout(() => zombie.thaw(), FREEZE_MS);
  },
};

/** How often each comes up: kills cost the groups a session's wait each, so there are fewer of them than of S3 faults. */
const DECK = [...Array(6).fill("kill"), ...Array(18).fill("S3 fault"), "Kafka reset", "Kafka reset", "Kafka outage"];
const ZOMBIE_DECK = [...DECK, ...Array(9).fill("freeze")];
const BROKER_KILL_SHARE = 0.01;

await soak();

/** A day of maintenance in half an hour. */
const MAINTAINER_ENV = {
  MAINTAINER_INTERVAL_MS: "20000",
  MAINTAINER_VACUUM_MS: "60000",
  MAINTAINER_REPEATS_MS: "60000",
};

/**
 * `npm run soak -- --minutes N --seed S [--zombies] [--maintainer]`: mischief at random for so long, beside a maintainer if
 * asked for, which is killed and frozen like the others; exit code 1 unless all is right.
 */
async function soak(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "30" },
      seed: { type: "string", default: "1" },
      zombies: { type: "boolean", default: false },
      maintainer: { type: "boolean", default: false },
    },
  });
  const place = await openPlace();
  const world = await openWorld(place, Number(values.seed));
  const stopOnSignal = () => process.exit(1);
  process.once("SIGINT", stopOnSignal).once("SIGTERM", stopOnSignal);
  console.log(`soaking for ${values.minutes} minutes with seed ${values.seed}; logs in ${world.parts.logFolder}`);

  await world.startAll(FEATURIZERS, REDUCERS);
  if (values.maintainer) world.start("maintainer", MAINTAINER_ENV);
  const done = await makeMischief(world, Number(values.minutes) * 60_000, values.zombies ? ZOMBIE_DECK : DECK);
  place.stack.heal();
  for (const service of world.services) service.thaw();
  await world.settled();
  const report = await checkWorld(world);
  const problems = problemsOf(report);
  console.log(`mischief: ${JSON.stringify(done)}`);
  console.log(`S3 faults met: ${JSON.stringify(Object.fromEntries(place.stack.s3Proxy.counts))}`);
  console.log(
    `${formatReport(report)}, lost ${report.findings.lost.length}, doubled ${report.findings.doubled.length}`,
  );
  console.log(Object.keys(problems).length === 0 ? "all is right" : `WRONG: ${JSON.stringify(problems)}`);
  await world.close();
  if (Object.keys(problems).length === 0) await place.stack.close();
  process.exit(Object.keys(problems).length === 0 ? 0 : 1);
}

/** @returns how often each kind was done. */
async function makeMischief(
  world: World,
  durationMs: number,
  deck: readonly string[],
): Promise<Record<string, number>> {
  const { random } = world.parts;
  const done: Record<string, number> = {};
  const endMs = Date.now() + durationMs;
  let progressMs = Date.now() + PROGRESS_MS;
  while (Date.now() < endMs) {
    const name = random.next() < BROKER_KILL_SHARE ? "Kafka kill" : random.pick(deck);
    await world.announce(FLOW_PHOTOS);
    await world.announceAgain(FLOW_PHOTOS / 2);
    await Promise.all([MISCHIEF[name]!(world), sleepMs(random.between(0, PAUSE_MS_MAX))]);
    done[name] = (done[name] ?? 0) + 1;
    if (Date.now() < progressMs) continue;
    progressMs += PROGRESS_MS;
    console.log(`${JSON.stringify(done)}; ${JSON.stringify(await world.state())}`);
  }
  return done;
}
