import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkWorld } from "./check-world.ts";
import { openPlace, openWorld, type Place } from "./place.ts";
import type { World } from "./world.ts";
import { formatReport, problemsOf, type WorldReport } from "./world-report.ts";

/** Gives a test file a stack of its own, and `scenario` to write its tests with. */
export function useFaultStack(): { scenario: Scenario } {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place?.stack.close());

  /**
   * A test in a world of its own. Whatever the body does to it, it must settle, and then pass the check.
   *
   * @param expectMore looks whether the scenario did happen.
   */
  function scenario(
    name: string,
    body: (world: World) => Promise<void>,
    expectMore: (report: WorldReport) => void = () => undefined,
  ): void {
    test(name, async () => {
      const seed = Number(process.env.FAULT_SEED ?? 1);
      const world = await openWorld(place, seed);
      try {
        await body(world);
        place.stack.heal();
        await world.settled();
        expect(world.announced, "photos have flowed").toBeGreaterThan(0);
        const report = await checkWorld(world);
        console.log(`${name}: ${formatReport(report)}`);
        expect(problemsOf(report)).toEqual({});
        expectMore(report);
      } catch (error) {
        const logs = await mkdtemp(join(tmpdir(), "fruitstream-fault-logs-"));
        await cp(world.parts.logFolder, logs, { recursive: true });
        await cp(join(place.stack.folder, "logs"), logs, { recursive: true });
        console.error(`"${name}" failed with FAULT_SEED=${seed}; the logs are in ${logs}`);
        throw error;
      } finally {
        place.stack.heal();
        await place.stack.revive();
        await world.close();
      }
    });
  }
  return { scenario };
}

type Scenario = (
  name: string,
  body: (world: World) => Promise<void>,
  expectMore?: (report: WorldReport) => void,
) => void;
