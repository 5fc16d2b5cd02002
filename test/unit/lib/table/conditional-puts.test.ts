import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { requireOneWinner } from "#lib/table/conditional-puts.ts";
import { openTable } from "#lib/table/open-table.ts";
import { accessOf, emptyStore, LOCATION } from "./table-fixtures.ts";

async function storeWithTable(): Promise<ObjectStore> {
  const store = emptyStore();
  await openTable(store, LOCATION, { createIfAbsent: true });
  return store;
}
const test = (store: ObjectStore) => requireOneWinner(accessOf(store));
const keysOf = async (store: ObjectStore) => {
  const keys: string[] = [];
  for await (const { key } of store.list(LOCATION.bucket, "")) keys.push(key);
  return keys;
};

describe("a store that commits are to be written to", () => {
  it("passes when of many that put at once one wins, and keeps nothing of the test", async () => {
    const store = await storeWithTable();
    const before = await keysOf(store);
    let puts = 0;
    const counting = {
      ...store,
      putIfAbsent: (...put: Parameters<ObjectStore["putIfAbsent"]>) => {
        puts += 1;
        return store.putIfAbsent(...put);
      },
    };
    await expect(test(counting)).resolves.toBeUndefined();
    expect(puts).toBe(8 * 8);
    expect(await keysOf(store)).toEqual(before);
  });

  it("is refused when it looks first and writes then, though it never writes over what was there before", async () => {
    const store = await storeWithTable();
    const before = await keysOf(store);
    const hasty: ObjectStore = {
      ...store,
      async putIfAbsent(location, body) {
        if (await store.head(location)) return false;
        await setImmediate();
        await store.put(location, body);
        return true;
      },
    };
    await expect(test(hasty)).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringMatching(
        /lets 8 of 8 writers win with If-None-Match, so commits would overwrite each other/,
      ),
    });
    expect(await keysOf(store)).toEqual(before);
  });

  it("is refused when the bytes of a writer that lost are kept", async () => {
    const store = await storeWithTable();
    const confused: ObjectStore = {
      ...store,
      async putIfAbsent(location, body) {
        const won = await store.putIfAbsent(location, body);
        if (!won && location.key.includes("probes")) await store.put(location, body);
        return won;
      },
    };
    await expect(test(confused)).rejects.toThrow(/keeps another's bytes/);
  });

  it("passes when it limits the writes of one key, or when the winner's answer was lost", async () => {
    const store = await storeWithTable();
    const stingy: ObjectStore = {
      ...store,
      async putIfAbsent(location, body) {
        const won = await store.putIfAbsent(location, body);
        if (won) throw new FruitstreamError("store-unavailable", "429");
        return false;
      },
    };
    await expect(test(stingy)).resolves.toBeUndefined();
  });

  it("is refused with what it says when it knows no conditions at all, and passes where deleting is not granted", async () => {
    const store = await storeWithTable();
    const refuse = async () => Promise.reject(new FruitstreamError("invalid-config", "501"));
    await expect(test({ ...store, putIfAbsent: refuse })).rejects.toThrow("501");
    const forbid = async () => Promise.reject(new FruitstreamError("access-denied", "403"));
    await expect(test({ ...store, delete: forbid })).resolves.toBeUndefined();
  });
});
