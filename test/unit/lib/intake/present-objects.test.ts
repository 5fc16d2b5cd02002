import fc from "fast-check";
import { expect, it } from "vitest";
import { PresentObjects } from "#lib/intake/present-objects.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { compareKeys, type ObjectStore } from "#lib/store/object-store.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

const BUCKET = "photos";
const hooks = { clock: systemClock, signal: new AbortController().signal, onRetry: () => {} };

/** The store, with its listings counted and told where they began. */
async function storeWith(keys: Iterable<string>): Promise<{ store: ObjectStore; beginnings: (string | undefined)[] }> {
  const store = createMemoryObjectStore([BUCKET]);
  for (const key of keys) await store.put({ bucket: BUCKET, key }, Buffer.from(key));
  const beginnings: (string | undefined)[] = [];
  const list: ObjectStore["list"] = (bucket, prefix, options) => {
    beginnings.push(options?.startAfter);
    return store.list(bucket, prefix, options);
  };
  return { store: { ...store, list }, beginnings };
}

it("finds what is there, and nothing else, for any keys in ascending order", async () => {
  const keys = fc.uniqueArray(fc.stringMatching(/^[ab/\u00e9\u{1f34e}]{1,4}$/u), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(keys, keys, async (present, wanted) => {
      const { store } = await storeWith(present.map((key) => `p/${key}`));
      const objects = new PresentObjects(store, BUCKET, "p/", hooks);
      for (const key of wanted.map((name) => `p/${name}`).sort(compareKeys)) {
        expect((await objects.find(key))?.key).toBe(present.includes(key.slice(2)) ? key : undefined);
      }
    }),
  );
});

it("reads one listing for keys that lie close together", async () => {
  const keys = Array.from({ length: 900 }, (_, index) => `p/${String(index).padStart(4, "0")}`);
  const { store, beginnings } = await storeWith(keys);
  const objects = new PresentObjects(store, BUCKET, "p/", hooks);
  for (const key of keys) expect((await objects.find(key))?.key).toBe(key);
  expect(beginnings).toEqual([undefined]);
});

it("leaps over what nobody asks for", async () => {
  const keys = Array.from({ length: 6000 }, (_, index) => `p/${String(index).padStart(4, "0")}`);
  const { store, beginnings } = await storeWith(keys);
  const objects = new PresentObjects(store, BUCKET, "p/", hooks);
  for (const key of ["p/0000", "p/3000", "p/5999", "p/6000"]) {
    expect((await objects.find(key))?.key).toBe(keys.find((candidate) => candidate === key));
  }
  expect(beginnings).toEqual([undefined, "p/300", "p/599"]);
});
