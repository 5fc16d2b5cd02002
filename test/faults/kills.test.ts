import { setTimeout as sleepMs } from "node:timers/promises";
import { expect } from "vitest";
import { useFaultStack } from "./scenario.ts";
import { until } from "./until.ts";

const KILLS = 10;
/** Announced before each kill, and of those so many a second time. */
const PHOTOS = 120;
const AGAIN = 40;

const { scenario } = useFaultStack();

scenario(
  "services are killed at random moments of their work, and every third photo is announced twice",
  async (world) => {
    const { random } = world.parts;
    await world.startAll(2, 2);
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = random.pick(world.services);
      await until("the victim has partitions", () => victim.partitions !== undefined && victim.partitions.length > 0);
      await world.announce(PHOTOS);
      await world.announceAgain(AGAIN);
      // The moment is the seed's choice: nothing is waited for.
      await sleepMs(random.between(0, 400));
      victim.kill();
    }
  },
  ({ kills, rows, known }) => {
    expect(kills).toBe(KILLS);
    expect({ rows, known }).toEqual({ rows: KILLS * PHOTOS, known: KILLS * AGAIN });
  },
);
