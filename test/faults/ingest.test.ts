import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleepMs } from "node:timers/promises";
import { expect } from "vitest";
import { CommandUnderFault } from "./command-under-fault.ts";
import { type Upload, uploadUntilTaken } from "./phone.ts";
import { useFaultStack } from "./scenario.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const PHONES = 8;
const KILLS = 5;
const COMMAND_KILLS = 3;

const { scenario } = useFaultStack();

scenario(
  "the HTTP service is killed again and again while photos are uploaded",
  async (world) => {
    const { random } = world.parts;
    await world.startAll(1, 1);
    const ingest = world.start("ingest");
    await world.shared();
    const phones = new AbortController();
    const uploading = uploadInTurn(world, phones.signal);
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        // The moment is the seed's choice: nothing is waited for.
        await sleepMs(random.between(0, 1_000));
        ingest.kill();
        await until("the service is back", () => ingest.kills === kill + 1 && ingest.isAtWork);
      }
    } finally {
      phones.abort();
    }
    const uploads = await uploading;
    const arrivals = await world.arrivals();
    const count = ({ key }: Upload) => arrivals.get(key) ?? 0;
    expect(uploads.filter((upload) => count(upload) === 0).map(({ key }) => key)).toEqual([]);
    expect(uploads.filter((upload) => count(upload) > upload.times).map(({ key }) => key)).toEqual([]);
    expect(
      uploads.some(({ times }) => times > 1),
      "a kill has met an upload",
    ).toBe(true);
    await world.announce(8);
  },
  ({ kills }) => expect(kills).toBe(KILLS),
);

scenario("the upload of a folder is killed again and again", async (world) => {
  const { random, bucket, id, stack, photos } = world.parts;
  const prefix = `photos/${id}/`;
  const folder = await writeFolder(world, prefix);
  const upload = (...options: string[]) =>
    start(world, ["ingest", "upload", folder, "--bucket", bucket, "--prefix", prefix, ...options]);

  await world.startAll(1, 1);
  for (let kill = 0; kill < COMMAND_KILLS; kill++) {
    const command = upload();
    const point = stack.s3Proxy.inject({
      of: ({ client, requestClass }) => client === COMMAND && requestClass === "put photo",
      fault: "reply lost",
      skip: random.between(0, 60),
      onHit: () => command.kill(),
    });
    expect((await command.ended).exitCode).toBe(null);
    point.remove();
  }
  // What a kill has caught between S3 and Kafka is made up for, since it is not in the table.
  await succeeds(upload());
  const all = await ownArrivals(world, prefix);
  expect(all.length).toBe(photos.length);
  await world.settled();
  await succeeds(upload());
  expect(await ownArrivals(world, prefix), "what is in the table is not announced").toEqual(all);

  await succeeds(upload("--announce-existing"));
  expect(await ownArrivals(world, prefix), "unless it is asked for").toEqual(all.map((times) => times + 1));
  await world.announce(8);
});

scenario("a backfill is killed and run again", async (world) => {
  const { bucket, id, photos } = world.parts;
  const prefix = `photos/${id}/`;
  for (const photo of photos) {
    const key = `${prefix}${nameOf(photo.key)}`;
    await world.store.put({ bucket, key }, photo.bytes);
    world.expectPhoto(key, photo);
  }
  const backfill = () => start(world, ["ingest", "backfill", `s3://${bucket}/${prefix}`]);

  await world.startAll(1, 1);
  const command = backfill();
  await until("photos are announced", async () => {
    const { featurizerLag, rows } = await world.state();
    return featurizerLag > 0 || rows > 0;
  });
  command.kill();
  await command.ended;
  await succeeds(backfill());
  const arrivals = await ownArrivals(world, prefix);
  expect(arrivals.length).toBe(photos.length);
  expect(arrivals.filter((times) => times > 2)).toEqual([]);
  await world.settled();
  await succeeds(backfill());
  expect(await ownArrivals(world, prefix), "what is in the table is not announced").toEqual(arrivals);
  await world.announce(8);
});

const COMMAND = "command";

function start(world: World, args: readonly string[]): CommandUnderFault {
  return new CommandUnderFault(COMMAND, args, world.env);
}

async function succeeds(command: CommandUnderFault): Promise<void> {
  const { exitCode, output } = await command.ended;
  expect(exitCode, output).toBe(0);
}

/** Uploads one photo after the other, a few at a time, until the signal. */
async function uploadInTurn(world: World, signal: AbortSignal): Promise<Upload[]> {
  const { photos, id } = world.parts;
  const [ingest] = world.of("ingest");
  const uploads: Upload[] = [];
  let number = 0;
  const phone = async () => {
    while (!signal.aborted) {
      const photo = photos[number % photos.length]!;
      const name = `${number++}.png`;
      world.expectPhoto(`photos/${id}/${name}`, photo);
      uploads.push(await uploadUntilTaken(ingest!, id, name, photo));
    }
  };
  await Promise.all(Array.from({ length: PHONES }, phone));
  return uploads;
}

/** A folder of all photos, which will be on S3 under the prefix. */
async function writeFolder(world: World, prefix: string): Promise<string> {
  // No label, so that it is in no key.
  const folder = join(world.parts.logFolder, "photos");
  await mkdir(folder);
  for (const photo of world.parts.photos) {
    const name = nameOf(photo.key);
    await writeFile(join(folder, name), photo.bytes);
    world.expectPhoto(`${prefix}${name}`, photo);
  }
  return folder;
}

/** How often each key under the prefix was announced, in the order of the keys. */
async function ownArrivals(world: World, prefix: string): Promise<number[]> {
  const arrivals = [...(await world.arrivals())].filter(([key]) => key.startsWith(prefix));
  return arrivals.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, times]) => times);
}

function nameOf(key: string): string {
  return key.split("/").at(-1)!;
}
