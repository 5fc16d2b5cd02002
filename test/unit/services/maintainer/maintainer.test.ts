import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { Service } from "#lib/runtime/service.ts";
import type { MaintenanceRound } from "#lib/table/operations/maintain-table.ts";
import type { MaintainerWorkConfig } from "#services/maintainer/config.ts";
import { createMaintainer, MAINTAINER_PARTS, type MaintainerDeps } from "#services/maintainer/maintainer.ts";
import { allRows, append, DAY_MS, HOUR_MS, MaintainedTable } from "../../lib/table/operations/maintained-table.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { LOCATION, setProperty } from "../../lib/table/table-fixtures.ts";

const CONFIG: MaintainerWorkConfig = {
  intervalMs: 1_000,
  quietMs: HOUR_MS,
  fileBytesMax: 1_000_000,
  openFilesMin: 4,
  repeatsMs: DAY_MS,
  vacuumMs: HOUR_MS,
};

let world: MaintainedTable;
let health: Health;
let rounds: MaintenanceRound[];
let slept: number[];
let started: Service[];
beforeEach(() => {
  world = new MaintainedTable();
  health = new Health(Date.now, MAINTAINER_PARTS);
  rounds = [];
  slept = [];
  started = [];
});
afterEach(async () => {
  for (const service of started) await service.stop();
});

it("makes rounds until it is stopped", async () => {
  const table = await world.open();
  for (const sourceOffset of [0, 1, 2, 3]) await append(table, [photoRow({ sourceOffset })]);
  const { running, service } = start();
  await until(() => rounds.length >= 2);
  expect(health.ready).toBe(true);
  expect(rounds.map(({ compaction }) => compaction.commits).slice(0, 2)).toEqual([1, 0]);
  expect(await allRows(table)).toHaveLength(4);
  await service.stop();
  await running;
});

it("waits for a table that is not there yet, and creates none", async () => {
  const filled = Promise.withResolvers<void>();
  start({
    clock: {
      ...world.clock,
      sleep: async (ms: number, signal?: AbortSignal) => {
        // Awake between the creation and the first row, it would make a round of a table without files.
        if (slept.push(ms) === 2) await filled.promise;
        await world.clock.sleep(1, signal);
      },
    },
  });
  await until(() => slept.length >= 2);
  expect(health.ready).toBe(true);
  for await (const { key } of world.store.list(LOCATION.bucket, "")) expect.fail(`${key} was written`);
  const table = await world.open();
  await append(table, [photoRow()]);
  filled.resolve();
  await until(() => rounds.length >= 1);
  expect(rounds[0]).toMatchObject({ files: 1 });
});

it("waits while S3 does not answer, says so, and goes on", async () => {
  await append(await world.open(), [photoRow()]);
  let isAway = false;
  const store = { ...world.store };
  store.get = async (...args) => {
    if (isAway) throw new FruitstreamError("store-unavailable", "no answer; try again");
    return world.store.get(...args);
  };
  start({ store });
  await until(() => rounds.length >= 1);
  isAway = true;
  await until(() => !health.ready);
  expect(health.parts.s3).toMatchObject({ state: "waiting" });
  isAway = false;
  const { length } = rounds;
  await until(() => rounds.length > length);
  expect(health.ready).toBe(true);
});

it("stands by where another maintainer commits, and leaves its work to it", async () => {
  const table = await world.open();
  for (const sourceOffset of [0, 1, 2, 3]) await append(table, [photoRow({ sourceOffset })]);
  start();
  start();
  await until(() => rounds.length >= 4);
  expect(rounds.reduce((sum, { compaction }) => sum + compaction.commits, 0)).toBe(1);
  const overridden = rounds.filter(({ compaction }) => compaction.isOverridden).length;
  expect(slept.filter((ms) => ms === 3 * CONFIG.intervalMs)).toHaveLength(overridden);
  expect(await allRows(table)).toHaveLength(4);
});

it("ends with the sentence of what a person must mend", async () => {
  const table = await world.open();
  // It is committed; this table finds it wrong after that.
  await setProperty(table, "delta.deletedFileRetentionDuration", "a while").catch(() => undefined);
  await expect(start().running).rejects.toThrow(/delta.deletedFileRetentionDuration must be .* got "a while"/);
});

/** However busy the machine is. */
function until(isSo: () => boolean): Promise<boolean> {
  return vi.waitUntil(isSo, { timeout: 60_000, interval: 5 });
}

/** Its clock sleeps for a moment, however long it is to. */
function start(changes: Partial<MaintainerDeps> = {}) {
  const clock = {
    ...world.clock,
    sleep: async (ms: number, signal?: AbortSignal) => {
      slept.push(ms);
      await world.clock.sleep(1, signal);
    },
  };
  const deps = { store: world.store, location: LOCATION, logger: silentLogger, health, clock };
  const service = createMaintainer({ ...deps, onRound: (round) => rounds.push(round), ...changes }, CONFIG);
  started.push(service);
  const running = service.run();
  running.catch(() => undefined);
  return { service, running };
}
