import { expect, test } from "vitest";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { featuresRecord, handDrivenReducer, location, topics } from "./hand-driven-reducer.ts";

test("records handed over while a fenced reducer rereads the table are of the old place, and are dropped", async () => {
  const memory = createMemoryObjectStore(["b"]);
  let isFenced = false;
  let handedOver: Promise<void> | undefined;
  const store: ObjectStore = {
    ...memory,
    get: async (object, options) => {
      if (isFenced && !handedOver)
        handedOver = reducer.handlers.records(
          1,
          [2, 3, 4, 5].map((n) => featuresRecord(1, n)),
        );
      return memory.get(object, options);
    },
  };
  const reducer = await handDrivenReducer(store, [], 4);
  reducer.onWarning = (message) => {
    if (message.startsWith("fenced")) isFenced = true;
  };
  await reducer.handlers.assigned([0, 1]);
  await reducer.handlers.records(0, [featuresRecord(0, 0)]);
  await reducer.handlers.records(1, [featuresRecord(1, 0), featuresRecord(1, 1)]);

  // Another member has taken partition 0 over and committed its first record.
  const appId = new TableProgress(topics.features, new Map()).offsetAppId(0);
  const successor = await openTable(memory, location);
  const move = { txns: [{ appId, version: 1 }], baseTxns: new Map([[appId, undefined]]) };
  await successor.commit({ commitId: "successor", operation: "STREAMING UPDATE", adds: [], ...move });

  await reducer.handlers.records(0, [featuresRecord(0, 1)]);
  await handedOver;
  expect(isFenced).toBe(true);
  expect(reducer.seeks).toEqual(["0@1", "1@0"]);

  // What the seeks lead to: partition 1 from its beginning.
  await reducer.handlers.records(
    1,
    [0, 1, 2, 3].map((offset) => featuresRecord(1, offset)),
  );
  const progress = new TableProgress(topics.features, (await openTable(memory, location)).snapshot.txnVersions);
  expect(progress.nextOffset(1)).toBe(4);
  expect([...(await openTable(memory, location)).snapshot.files.values()]).toHaveLength(1);
});
