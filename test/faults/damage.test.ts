import { expect } from "vitest";
import type { ObjectLocation } from "#lib/store/object-store.ts";
import { useFaultStack } from "./scenario.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const BYTES_MAX = 2 ** 24;
const GARBAGE = Buffer.from("neither moments nor Parquet");
const BROKEN_RECORDS = 12;

const { scenario } = useFaultStack();

const DAMAGE: Readonly<Record<string, (world: World, object: ObjectLocation) => Promise<unknown>>> = {
  truncated: async ({ store }, object) => {
    const { bytes } = await store.get(object, { bytesMax: BYTES_MAX });
    await store.put(object, bytes.subarray(0, bytes.length / 2));
  },
  garbage: ({ store }, object) => store.put(object, GARBAGE),
  "of another model": async ({ store }, object) => {
    const { bytes } = await store.get(object, { bytesMax: BYTES_MAX });
    await store.put(object, Buffer.from(Buffer.from(bytes).toString("latin1").replace("tiny", "tony"), "latin1"));
  },
  deleted: ({ store }, object) => store.delete(object),
};

for (const [name, damage] of Object.entries(DAMAGE)) {
  scenario(`the checkpoints of the moments are ${name} between two runs`, async (world) => {
    await runOnce(world, 200);
    const checkpoints = await keysWith(world, /_fruitstream\/moments\/.*\.moments$/);
    expect(checkpoints, "the first run has left a checkpoint").not.toEqual([]);
    for (const object of checkpoints) await damage(world, object);
    world.start("featurizer");
    const reducer = world.start("reducer");
    // Rows that have doubled call for a basis of the moments as they were rebuilt; a reducer that ends leaves them behind.
    const bases = reducer.logged("basis_published");
    await world.announce(world.announced + 40);
    await world.settled();
    await until("a basis of the rebuilt moments is published", () => reducer.logged("basis_published") > bases);
    await world.endServices("SIGTERM");
  });
}

scenario("the newest checkpoint of the table is garbage", async (world) => {
  await runOnce(world, 200);
  const checkpoints = await keysWith(world, /_delta_log\/\d{20}\.checkpoint\.parquet$/);
  expect(checkpoints, "the first run has left a checkpoint").not.toEqual([]);
  await world.store.put(checkpoints.at(-1)!, GARBAGE);
  world.start("featurizer");
  world.start("reducer");
  await world.announce(40);
});

scenario(
  "both topics carry records that nobody can read",
  async (world) => {
    const { topics } = world;
    await world.startAll(1, 1);
    for (let index = 0; index < BROKEN_RECORDS; index++) {
      const broken = { partition: index % 4, key: null, value: GARBAGE.subarray(index) };
      await world.append(topics.photos, [broken]);
      await world.append(topics.features, [broken]);
      await world.announce(8);
    }
    const letters = () => world.services.reduce((sum, service) => sum + service.logged("vector_dead_lettered"), 0);
    await until("the reducer has set its records aside", () => letters() >= BROKEN_RECORDS);
  },
  ({ deadLetters }) => expect(deadLetters).toBe(2 * BROKEN_RECORDS),
);

scenario(
  "photos are gone from S3, or replaced, before they are read",
  async (world) => {
    await world.startAll(2, 1);
    for (let index = 0; index < BROKEN_RECORDS; index++) {
      await world.announceGone();
      await world.announce(8);
    }
  },
  ({ reasons }) => expect(reasons).toEqual({ "not-found": BROKEN_RECORDS, "etag-changed": BROKEN_RECORDS }),
);

/** Makes a table of so many photos or more, of ten versions at least, and ends the services in order. */
async function runOnce(world: World, photos: number): Promise<void> {
  await world.startAll(1, 1);
  const [reducer] = world.of("reducer");
  await world.flowUntil("the table has checkpoints", () => {
    return world.announced >= photos && reducer!.logged("table_committed") > 10;
  });
  await world.settled();
  await world.endServices("SIGTERM");
}

async function keysWith({ store, location }: World, pattern: RegExp): Promise<ObjectLocation[]> {
  const objects: ObjectLocation[] = [];
  for await (const { key } of store.list(location.bucket, `${location.prefix}/`)) {
    if (pattern.test(key)) objects.push({ bucket: location.bucket, key });
  }
  return objects;
}
