import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import { serialiseActions } from "#lib/table/delta/actions.ts";
import { cleanLog } from "#lib/table/delta/clean-log.ts";
import { commitPath } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { listLog } from "#lib/table/delta/list-log.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { type TableAccess, tableObject } from "#lib/table/table-location.ts";
import { useFaultStack } from "./scenario.ts";
import type { ServiceUnderFault } from "./service-under-fault.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const VERSIONS_MEANWHILE = 40;
const RETENTION_MS = 31 * 86_400_000;
const OVERWRITTEN_COMMITS = 6;

const { scenario } = useFaultStack();

/** Spark removes the oldest commits first, without a word. */
const CLEANERS: Readonly<Record<string, (access: TableAccess) => Promise<unknown>>> = {
  us: async (access) => {
    const later = { ...access, clock: { ...systemClock, nowMs: () => Date.now() + RETENTION_MS } };
    expect((await cleanLog(later, await readSnapshot(access))).keptFrom).toBeGreaterThan(VERSIONS_MEANWHILE / 2);
  },
  "another tool": async (access) => {
    const { commits, checkpoints } = await listLog(access, 0);
    const kept = checkpoints.at(-1)!.version;
    for (const version of commits.filter((each) => each < kept)) {
      await access.store.delete(tableObject(access.location, commitPath(version)));
    }
  },
};

for (const [cleaner, clean] of Object.entries(CLEANERS)) {
  scenario(
    `a reducer was frozen in its commit while the log was cleaned up behind it by ${cleaner}`,
    async (world) => {
      await world.startAll(1, 2);
      const { zombie, thaw } = await freezeInCommit(world);
      await clean((await tableAfter(world, VERSIONS_MEANWHILE)).table);
      thaw();
      await until("it says that the log was cleaned up", () => zombie.logged("table_log_cleaned_behind") > 0);
      await world.announce(40);
    },
    ({ fenced }) => expect(fenced).toBeGreaterThan(0),
  );
}

scenario("another tool writes over commits, and the reducers are killed now and then", async (world) => {
  await world.startAll(1, 2);
  await world.announce(80);
  for (let time = 0; time < OVERWRITTEN_COMMITS; time++) {
    const { version } = await tableAfter(world, 3);
    if (time % 2 === 1) for (const reducer of world.of("reducer")) reducer.kill();
    // Others have built on it.
    const commitInfo = { operation: "SET TBLPROPERTIES", engineInfo: "Apache-Spark", txnId: randomUUID() };
    const body = Buffer.from(serialiseActions([{ commitInfo }]));
    await world.store.put(tableObject(world.location, commitPath(version + 2)), body);
    await world.announce(16);
    await world.shared();
  }
  const restored = () => world.of("reducer").reduce((sum, reducer) => sum + reducer.logged("commit_overwritten"), 0);
  await until("each was put back", () => restored() >= OVERWRITTEN_COMMITS);
});

/** Photos are announced until the table has so many versions more than now; `version` is that of now. */
async function tableAfter(world: World, versions: number): Promise<{ table: DeltaTable; version: number }> {
  const table = await openTable(world.store, world.location);
  const { version } = table.snapshot;
  await until(`${versions} more versions`, async () => {
    await world.announce(8);
    await table.advance();
    return table.snapshot.version >= version + versions;
  });
  return { table, version };
}

/** The put is on its way, and arrives when the reducer is thawed. */
async function freezeInCommit(world: World): Promise<{ zombie: ServiceUnderFault; thaw: () => void }> {
  let zombie: ServiceUnderFault | undefined;
  const request = world.parts.stack.s3Proxy.inject({
    of: (exchange) => exchange.requestClass === "put commit" && exchange.client.startsWith("reducer"),
    fault: "held",
    skip: 2,
    onHit: ({ client }) => {
      zombie = world.service(client);
      zombie.freeze();
    },
  });
  await world.flowUntil("a reducer is frozen in its commit", () => request.isSpent);
  const others = world.of("reducer").filter((service) => service !== zombie);
  await until("another has all partitions", () => others.some(({ partitions }) => partitions?.length === 4));
  return {
    zombie: zombie!,
    thaw: () => {
      zombie!.thaw();
      request.remove();
    },
  };
}
