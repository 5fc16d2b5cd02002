import { setTimeout as sleepMs } from "node:timers/promises";
import { countRows } from "#lib/table/table-summary.ts";
import { useFaultStack } from "./scenario.ts";
import type { PartitionPlace } from "./second-broker.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const PARTITIONS = [0, 1, 2, 3];
/** Nobody can read the photos of one partition, and nobody can publish the vectors of another. */
const PHOTOS_AWAY = 3;
const FEATURES_AWAY = 2;
const PHOTOS = 40;
/** More than a featurizer takes into work at a time. */
const PHOTOS_IN_WAY = 200;
/** Past the broker's session with its controller of 9 s: until then the partitions are out of reach, then leaderless. */
const AWAY_MS = 20_000;
const ROUND_MS = 1_000;
const ROUND_MS_MAX = 120_000;

const { scenario } = useFaultStack();

scenario("one partition of each topic is away", async (world) => {
  const { stack } = world.parts;
  const there = PARTITIONS.filter((partition) => partition !== PHOTOS_AWAY && partition !== FEATURES_AWAY);
  await world.startAll(2, 2);
  await world.announceOn(FEATURES_AWAY, PHOTOS);
  await world.settled();
  await stack.shareWithSecondBroker(placesOf(world));
  // Nothing of the photos that will be away was ever read: no member may have to ask for where they begin.
  for (const partition of there) await world.announceOn(partition, PHOTOS);
  let { rows } = await world.settled();

  await stack.killSecondBroker();
  await world.announceOn(FEATURES_AWAY, PHOTOS_IN_WAY);
  const endMs = performance.now() + AWAY_MS;
  while (performance.now() < endMs) {
    for (const partition of there) await world.announceOn(partition, PHOTOS);
    rows += there.length * PHOTOS;
    await until("the others go on", async () => (await rowsOf(world)) === rows, ROUND_MS_MAX);
    await sleepMs(ROUND_MS);
  }
  // Whoever starts meanwhile must not wait for what is away either.
  for (const service of world.services) service.kill();
  for (const partition of there) await world.announceOn(partition, PHOTOS);
  rows += there.length * PHOTOS;
  await until("those that were started anew go on", async () => (await rowsOf(world)) === rows, ROUND_MS_MAX);

  await stack.startSecondBroker();
  await world.announce(PHOTOS);
});

/** What is to be away is the second broker's, everything else the first's. */
function placesOf({ topics: { photos, features } }: World): PartitionPlace[] {
  return PARTITIONS.flatMap((partition) => [
    { topic: photos, partition, node: partition === PHOTOS_AWAY ? 2 : 1 },
    { topic: features, partition, node: partition === FEATURES_AWAY ? 2 : 1 },
  ]);
}

/** From the table alone, since Kafka does not tell the offsets of a partition that is away. */
async function rowsOf(world: World): Promise<number> {
  const table = await world.table();
  await table.advance();
  return countRows(table.snapshot);
}
