import { expect, test } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import { openTable } from "#lib/table/open-table.ts";
import { vacuumTable } from "#lib/table/operations/vacuum-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { readRows } from "#lib/table/table-files.ts";
import { commitWindow } from "#services/reducer/commit-window.ts";
import type { Projector } from "#services/reducer/projector.ts";
import { Window } from "#services/reducer/window.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";

const WEEK_MS = 7 * 86_400_000;

test("a window whose files were vacuumed while S3 was away is committed with others", async () => {
  let aheadMs = 0;
  const clock = {
    ...systemClock,
    nowMs: () => Date.now() + aheadMs,
    // The outage lasts for more than a week, in which a maintainer vacuums.
    sleep: async () => {
      aheadMs += WEEK_MS + 1_000;
      expect(await vacuumTable({ store: memory, location: LOCATION, logger: silentLogger, clock })).toMatchObject({
        files: 1,
      });
    },
  };
  const memory = emptyStore();
  let isAway = false;
  const store = { ...memory };
  store.putIfAbsent = async (...args) => {
    if (!isAway) return memory.putIfAbsent(...args);
    isAway = false;
    throw new FruitstreamError("store-unavailable", "no answer; try again");
  };
  const table = await openTable(store, LOCATION, { createIfAbsent: true, clock });
  const window = new Window({ rowsMax: 10, bytesMax: 1e6, openMsMax: 1e6 });
  window.addRow(photoRow({ sourceOffset: 7 }));
  isAway = true;
  const health = new Health(clock.nowMs, []);
  const retry = new WaitingRetry({ clock, health, logger: silentLogger });
  const projector = { project: async (rows: readonly PhotoRow[]) => [...rows] } as Projector;
  const deps = { table, projector, retry, clock, logger: silentLogger };
  const { result } = await commitWindow(deps, window, new AbortController().signal);
  expect(result).toMatchObject({ outcome: "committed", version: 1 });
  const [file] = [...table.snapshot.files.values()];
  expect(await readRows(table, file!, ["source_offset"])).toEqual([{ source_offset: 7 }]);
});
