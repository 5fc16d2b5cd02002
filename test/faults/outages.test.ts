import { setTimeout as sleepMs } from "node:timers/promises";
import { useFaultStack } from "./scenario.ts";
import type { World } from "./world.ts";

const STALL_MS = 10_000;
const SLOW_PHOTOS = 300;
const RESETS = 5;

const { scenario } = useFaultStack();

scenario("the broker is killed and started again", async (world) => {
  const { stack } = world.parts;
  await world.startAll(2, 2);
  await flowPhotos(world, 200);
  await stack.killKafka();
  await stack.startKafka();
  await flowPhotos(world, 200);
});

scenario("the broker's connections are reset again and again", async (world) => {
  await world.startAll(2, 2);
  for (let reset = 0; reset < RESETS; reset++) {
    await flowPhotos(world, 80);
    world.parts.stack.kafkaProxy.reset();
  }
});

scenario("the broker is slow", async (world) => {
  await world.startAll(2, 2);
  world.parts.stack.kafkaProxy.set("slow");
  await flowPhotos(world, SLOW_PHOTOS);
  await world.settled();
});

scenario("the broker stalls for longer than a session", async (world) => {
  const { kafkaProxy } = world.parts.stack;
  await world.startAll(2, 2);
  await flowPhotos(world, 80);
  kafkaProxy.set("stall");
  await world.announce(80);
  await sleepMs(STALL_MS);
  kafkaProxy.set("pass");
  await flowPhotos(world, 80);
});

scenario("S3 is killed and started again", async (world) => {
  const { stack } = world.parts;
  await world.startAll(2, 2);
  await flowPhotos(world, 80);
  await stack.killS3();
  await world.announce(80);
  await stack.startS3();
  await flowPhotos(world, 80);
});

scenario("everything is killed in the middle and started again", async (world) => {
  const { stack } = world.parts;
  await world.startAll(2, 2);
  await flowPhotos(world, 200);
  await world.announce(200);
  await world.endServices("SIGKILL");
  await Promise.all([stack.killKafka(), stack.killS3()]);
  await Promise.all([stack.startKafka(), stack.startS3()]);
  for (let index = 0; index < 2; index++) {
    world.start("featurizer");
    world.start("reducer");
  }
});

async function flowPhotos(world: World, count: number): Promise<void> {
  const end = world.announced + count;
  await world.flowUntil(`${count} photos are announced`, () => world.announced >= end);
}
