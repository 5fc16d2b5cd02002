import { expect, test } from "vitest";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { fetchPhoto } from "#services/featurizer/fetch-photo.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

const store = createMemoryObjectStore(["photos"]);
const { etag } = await store.put({ bucket: "photos", key: "a.jpg" }, Buffer.from("bytes"));
const photo: PhotoArrived = {
  ...{ bucket: "photos", key: "a.jpg", etag, sizeBytes: 5, label: null },
  ...{ capturedAtMs: 1, capturedAtSource: null, ingestedAtMs: 1, traceparent: null },
};
const fetch = (differing: Partial<PhotoArrived>) =>
  fetchPhoto(store, { ...photo, ...differing }, 100, new AbortController().signal);

test("the announced photo is read", async () => {
  expect(Buffer.from(await fetch({}))).toEqual(Buffer.from("bytes"));
});

test.each([
  ["a missing key", { key: "b.jpg" }, "not-found"],
  ["a missing bucket", { bucket: "other" }, "not-found"],
  ["another etag", { etag: "0123" }, "etag-changed"],
  ["a photo above the bound", { sizeBytes: 101 }, "too-large"],
  ["an object larger than announced", { sizeBytes: 4 }, "too-large"],
] as const)("%s is a dead letter", async (_, differing, code) => {
  await expect(fetch(differing)).rejects.toMatchObject({ code, fate: "dead-letter" });
});
