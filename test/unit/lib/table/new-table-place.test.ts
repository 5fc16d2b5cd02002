import { describe, expect, it } from "vitest";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { requireNewPlace } from "#lib/table/new-table-place.ts";
import { openTable } from "#lib/table/open-table.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { accessOf, emptyStore, LOCATION, logName, putLogFile, requestOf } from "./table-fixtures.ts";

const created = { createIfAbsent: true };

async function tableWithCheckpoint(): Promise<ObjectStore> {
  const store = emptyStore();
  const table = await openTable(store, LOCATION, created);
  for (let version = 1; version <= 11; version++) await table.commit(requestOf(table, ["a"]));
  return store;
}
const remove = (store: ObjectStore, name: string) => store.delete(tableObject(LOCATION, `_delta_log/${name}`));
const keysOf = async (store: ObjectStore) => {
  const keys: string[] = [];
  for await (const { key } of store.list(LOCATION.bucket, "")) keys.push(key);
  return keys;
};

describe("the place of a new table", () => {
  it.each<[remains: string, spoil: (store: ObjectStore) => Promise<void>]>([
    ["a checkpoint that can't be read", (store) => putLogFile(store, logName(10, "checkpoint.parquet"), "spoilt")],
    ["a hint only", (store) => remove(store, logName(10, "checkpoint.parquet"))],
    [
      "a hint that can't be read",
      async (store) => {
        await remove(store, logName(10, "checkpoint.parquet"));
        await putLogFile(store, "_last_checkpoint", "{");
      },
    ],
    [
      "a checkpoint with a part missing",
      async (store) => {
        await remove(store, logName(10, "checkpoint.parquet"));
        await putLogFile(store, logName(10, "checkpoint.0000000001.0000000002.parquet"), "one of two");
      },
    ],
    [
      "checksums and compacted commits",
      async (store) => {
        await remove(store, logName(10, "checkpoint.parquet"));
        await remove(store, "_last_checkpoint");
        await putLogFile(store, `${logName(0, "")}${logName(11, "compacted.json")}`, "{}");
        await putLogFile(store, logName(11, "crc"), "{}");
      },
    ],
  ])("is not one with the remains of a table: %s", async (_, spoil) => {
    const store = await tableWithCheckpoint();
    for (let version = 0; version <= 11; version++) await remove(store, logName(version));
    await spoil(store);
    const before = await keysOf(store);
    await expect(openTable(store, LOCATION, created)).rejects.toMatchObject({
      code: "invalid-table",
      message: expect.stringMatching(/_delta_log\/\S+ of one that was there; restore its log/),
    });
    expect(await keysOf(store)).toEqual(before);
  });

  it("is not one where version 0 is missing", async () => {
    const store = await tableWithCheckpoint();
    for (const name of [logName(0), logName(10, "checkpoint.parquet")]) await remove(store, name);
    await expect(openTable(store, LOCATION, created)).rejects.toThrow(/no commit of version 0/);
    expect(await store.head(tableObject(LOCATION, `_delta_log/${logName(0)}`))).toBeUndefined();
  });

  it("is one that a table in a cleaned-up log has, which is opened", async () => {
    const store = await tableWithCheckpoint();
    for (let version = 0; version <= 10; version++) await remove(store, logName(version));
    expect((await openTable(store, LOCATION, created)).snapshot.version).toBe(11);
  });

  it("is not inside of another table, however deep", async () => {
    const store = await tableWithCheckpoint();
    for (const inside of ["mine", "dt=2026-03-01/mine", "_fruitstream/mine"]) {
      const location = { ...LOCATION, prefix: `${LOCATION.prefix}/${inside}` };
      await expect(openTable(store, location, created)).rejects.toMatchObject({
        code: "invalid-config",
        message: expect.stringContaining("lies inside of the table s3://tables/photos/features, whose VACUUM would"),
      });
    }
    const beside = { ...LOCATION, prefix: `${LOCATION.prefix}-2/mine` };
    expect((await openTable(store, beside, created)).snapshot.version).toBe(0);
  });

  it("may have the marker of a folder, files of others and a table that another creator has just begun", async () => {
    const store = emptyStore();
    await putLogFile(store, "", "");
    await putLogFile(store, "notes.txt", "mine");
    await putLogFile(store, ".tmp-1", "in flight");
    await expect(requireNewPlace(accessOf(store))).resolves.toBeUndefined();
    await openTable(store, LOCATION, created);
    await expect(requireNewPlace(accessOf(store))).resolves.toBeUndefined();
  });
});
