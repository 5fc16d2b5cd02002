import { join } from "node:path";
import { setTimeout as sleepMs } from "node:timers/promises";
import { expect } from "vitest";
import { useFaultStack } from "./scenario.ts";
import { ShiftableClock } from "./shiftable-clock.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** Far longer than the services' session of 6 s: a member whose heartbeats have stopped is out of its group by then. */
const SET_BACK_PAUSE_MS = 14_000;
/** A window that is open when the clock jumps is committed after so long all the same. */
const WINDOW_MS = 4_000;
const PHOTOS = 80;

const { scenario } = useFaultStack();

const JUMPS: Readonly<Record<string, readonly number[]>> = {
  "back by five hours, and forward again": [-5 * HOUR_MS, 0],
  "forward by a month, and back again": [30 * 24 * HOUR_MS, 0],
};

for (const [name, shiftsMs] of Object.entries(JUMPS)) {
  scenario(`the services' clocks jump ${name}`, async (world) => {
    const clock = await startWithClock(world);
    for (const shiftMs of shiftsMs) {
      await world.announce(PHOTOS);
      await until("windows are open", async () => (await world.state()).featurizerLag === 0);
      const isSetBack = shiftMs < clock.shiftMs;
      clock.shift(shiftMs);
      await world.announce(PHOTOS);
      if (isSetBack) await sleepMs(SET_BACK_PAUSE_MS);
      await world.announce(PHOTOS);
      await world.settled();
    }
    expect(world.services.map((service) => service.logged("clock_set_back"))).toEqual([1, 1, 1, 1]);
  });
}

async function startWithClock(world: World): Promise<ShiftableClock> {
  const clock = new ShiftableClock(join(world.parts.logFolder, "clock"));
  for (let index = 0; index < 2; index++) {
    world.start("reducer", { ...clock.env, REDUCER_WINDOW_MS_MAX: String(WINDOW_MS) });
    world.start("featurizer", clock.env);
  }
  await world.shared();
  await world.atRest();
  return clock;
}
