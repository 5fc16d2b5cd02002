import { setTimeout as sleepMs } from "node:timers/promises";
import { expect } from "vitest";
import { useFaultStack } from "./scenario.ts";
import { until } from "./until.ts";

const KILLS = 10;
/** Announced before each kill, and of those so many a second time. */
const PHOTOS = 60;
const AGAIN = 20;

const { scenario } = useFaultStack();

let compactions = 0;

scenario(
  "two maintainers compact every second, while reducers and maintainers are killed at random moments",
  async (world) => {
    const { random } = world.parts;
    await world.startAll(1, 2);
    await world.announce(PHOTOS);
    const maintainers = [world.start("maintainer"), world.start("maintainer")];
    await world.shared();
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = random.pick([...world.of("reducer"), ...maintainers]);
      await until("the victim is at work", () => victim.isAtWork);
      await world.announce(PHOTOS);
      await world.announceAgain(AGAIN);
      // The moment is the seed's choice: nothing is waited for.
      await sleepMs(random.between(0, 1_000));
      victim.kill();
    }
    const compacted = async () => {
      const table = await world.table();
      await table.advance();
      compactions = table.snapshot.txnVersions.get("fruitstream/maintenance") ?? 0;
      return table.snapshot.files.size <= 2 && compactions > 1;
    };
    await world.settled();
    await until("the last files are compacted", compacted);
  },
  ({ kills, rows, known, commits }) => {
    expect(kills).toBe(KILLS);
    expect({ rows, known }).toEqual({ rows: (KILLS + 1) * PHOTOS, known: KILLS * AGAIN });
    expect(commits).toBeGreaterThan(compactions);
  },
);
