import { describe, expect, test } from "vitest";
import { ForgottenPhotos, photoRule } from "#lib/messages/forgotten-photos.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { FORGOTTEN_APP_ID, TableProgress } from "#lib/table/table-progress.ts";
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

describe("photos that are forgotten while a window with them is open", () => {
  const forgottenUri = "s3://photos/0/1.jpg";
  const records = [[0, 1, 2, 3].map((offset) => featuresRecord(0, offset)), []];

  /** What `forget` says on the topic, and what a reducer has read of it by then. */
  function forgottenTopic() {
    const said = new ForgottenPhotos();
    const photos = new ForgottenPhotos();
    return {
      say: () => said.add(photoRule(forgottenUri, null)),
      reader: {
        photos,
        refresh: async () => {
          for (const rule of said.rules) photos.add(rule);
        },
      },
    };
  }

  async function countForgetting(store: ObjectStore): Promise<void> {
    const table = await openTable(store, location);
    const txns = [{ appId: FORGOTTEN_APP_ID, version: 1 }];
    const baseTxns = new Map([[FORGOTTEN_APP_ID, undefined]]);
    await table.commit({ commitId: "forget", operation: "FORGET", adds: [], txns, baseTxns });
  }

  async function pathsIn(store: ObjectStore): Promise<unknown[]> {
    const table = await openTable(store, location);
    const rows = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file, ["path"])));
    return rows.flat().map(({ path }) => path);
  }

  test("the window is fenced, and read again without them", async () => {
    const store = createMemoryObjectStore(["b"]);
    const topic = forgottenTopic();
    const reducer = await handDrivenReducer(store, records, 4, {}, topic.reader);
    await reducer.assign([0]);
    await reducer.read(0, 3);
    topic.say();
    await countForgetting(store);
    // The fourth record fills the window, whose commit finds that the table has counted.
    await reducer.read(0, 1);
    expect(reducer.seeks).toEqual(["0@0"]);
    expect(await pathsIn(store)).toEqual([]);
    await reducer.read(0, 4);
    await reducer.assign([]);
    expect(await pathsIn(store)).toEqual([0, 2, 3].map((offset) => `s3://photos/0/${offset}.jpg`));
  });

  test("a reducer that begins later never takes them", async () => {
    const store = createMemoryObjectStore(["b"]);
    const topic = forgottenTopic();
    topic.say();
    const reducer = await handDrivenReducer(store, records, 4, {}, topic.reader);
    await countForgetting(store);
    await reducer.assign([0]);
    await reducer.read(0, 4);
    await reducer.assign([]);
    expect(await pathsIn(store)).not.toContain(forgottenUri);
    expect(await pathsIn(store)).toHaveLength(3);
  });
});
