import { setTimeout as sleepMs } from "node:timers/promises";
import { expect } from "vitest";
import { useFaultStack } from "./scenario.ts";
import { until } from "./until.ts";

const KILLS = 10;

const { scenario } = useFaultStack();

scenario(
  "services are killed at random moments of their work",
  async (world) => {
    const { random } = world.parts;
    await world.startAll(2, 2);
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = random.pick(world.services);
      await until("the victim has partitions", () => victim.partitions !== undefined && victim.partitions.length > 0);
      await world.announce(120);
      // The moment is the seed's choice: nothing is waited for.
      await sleepMs(random.between(0, 400));
      victim.kill();
    }
  },
  ({ kills }) => expect(kills).toBe(KILLS),
);
