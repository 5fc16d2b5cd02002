import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FILE_BUCKET, keyOfFile } from "#lib/photo/photo-uri.ts";
import { withPhotosInPlace } from "#ops/local/photos-in-place.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

test.each([
  ["as they are announced", FILE_BUCKET],
  ["as version 0.1.0 announced them", "local"],
])("files are read where they lie, %s", async (_, bucket) => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-in-place-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "1.jpg"), "a photo");
  const store = withPhotosInPlace(createMemoryObjectStore(["photos"]));
  const { bytes } = await store.get({ bucket, key: keyOfFile(join(folder, "1.jpg")) }, { bytesMax: 100 });
  expect(Buffer.from(bytes).toString()).toBe("a photo");
});

test("what lies in the store is read from there", async () => {
  const memory = createMemoryObjectStore(["photos"]);
  await memory.put({ bucket: "photos", key: "1.jpg" }, Buffer.from("an object"));
  const { bytes } = await withPhotosInPlace(memory).get({ bucket: "photos", key: "1.jpg" }, { bytesMax: 100 });
  expect(Buffer.from(bytes).toString()).toBe("an object");
});
