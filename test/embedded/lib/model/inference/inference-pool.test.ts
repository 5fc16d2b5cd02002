import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { greyPhoto, TinyModel, tinyDimension } from "./tiny-model.ts";

const FOREVER_MS = 2 ** 30;
const tiny = new TinyModel();
afterAll(() => tiny.remove());

describe("an inference pool", () => {
  let pool: InferencePool;
  beforeEach(async () => {
    pool = await openPool(2);
  });
  afterEach(() => pool.close());

  test.each([1, 3, 4, 5, 11])("gives each of %i photos its own vector, in ragged batches too", async (photos) => {
    const greys = Array.from({ length: photos }, (_, index) => 10 + index);
    const vectors = await Promise.all(greys.map((grey, index) => pool.infer(greyPhoto(grey, 1 + index, 9))));
    for (const [index, { features, predictions }] of vectors.entries()) {
      expect(features).toHaveLength(tinyDimension);
      for (const feature of features) expect(feature).toBeCloseTo(Math.log(greys[index]!), 5);
      expect(predictions).toBeNull();
    }
    expect(pool.featureDimension).toBe(tinyDimension);
  });

  test("moves a photo's buffer, but shares a shared one", async () => {
    const moved = greyPhoto(5);
    const shared = greyPhoto(6);
    const pixels = new Uint8Array(new SharedArrayBuffer(shared.pixels.length));
    pixels.set(shared.pixels);
    await Promise.all([pool.infer(moved), pool.infer({ ...shared, pixels })]);
    expect(moved.pixels).toHaveLength(0);
    expect(pixels[0]).toBe(6);
  });

  test("refuses only the photo whose vector is not finite", async () => {
    const [good, bad, alsoGood] = await Promise.allSettled([20, 0, 30].map((grey) => pool.infer(greyPhoto(grey))));
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "invalid-features", fate: "dead-letter" } });
    expect([good?.status, alsoGood?.status]).toEqual(["fulfilled", "fulfilled"]);
  });

  test("refuses photos whose signal has aborted", async () => {
    const aborted = AbortSignal.abort(new Error("no longer wanted"));
    await expect(pool.infer(greyPhoto(1), aborted)).rejects.toThrow("no longer wanted");
  });

  test("fails as a whole when a batch can't be computed", async () => {
    const broken = { ...greyPhoto(1), pixels: new Uint8Array(5) };
    await expect(pool.infer(broken)).rejects.toMatchObject({ code: "inference-failed", fate: "crash" });
    await expect(pool.infer(greyPhoto(1))).rejects.toMatchObject({ code: "inference-failed" });
  });

  test("refuses photos after it is closed", async () => {
    await Promise.all([pool.close(), pool.close()]);
    await expect(pool.infer(greyPhoto(1))).rejects.toMatchObject({ code: "inference-failed" });
  });
});

describe("a pool that waits for fuller batches", () => {
  test("starts a batch as soon as it is full", async () => {
    const pool = await openPool(1, FOREVER_MS);
    const vectors = await Promise.all([1, 2, 3, 4].map((grey) => pool.infer(greyPhoto(grey))));
    expect(vectors).toHaveLength(4);
    await pool.close();
  });

  test("drops a waiting photo when its signal aborts, and batches the others without it", async () => {
    const pool = await openPool(1, FOREVER_MS);
    const unwanted = new AbortController();
    const dropped = pool.infer(greyPhoto(9), unwanted.signal);
    unwanted.abort(new Error("no longer wanted"));
    await expect(dropped).rejects.toThrow("no longer wanted");
    const vectors = await Promise.all([1, 2, 3, 4].map((grey) => pool.infer(greyPhoto(grey))));
    expect(vectors[0]!.features[0]).toBeCloseTo(Math.log(1), 5);
    await pool.close();
  });

  test("finishes a waiting photo when it is closed", async () => {
    const pool = await openPool(1, FOREVER_MS);
    const waiting = pool.infer(greyPhoto(7));
    await pool.close();
    expect((await waiting).features[0]).toBeCloseTo(Math.log(7), 5);
  });
});

describe("a pool whose threads die", () => {
  test.each([
    { batchWaitMsMax: 0, what: "computes and queues" },
    { batchWaitMsMax: FOREVER_MS, what: "waits for a fuller batch" },
  ])("rejects every photo while it $what, refuses later ones and closes", async ({ batchWaitMsMax }) => {
    const threads: Worker[] = [];
    const collect = (thread: Worker) => threads.push(thread);
    process.on("worker", collect);
    const pool = await openPool(2, batchWaitMsMax);
    process.off("worker", collect);

    const photos = batchWaitMsMax === 0 ? 40 : 3;
    const inferences = Array.from({ length: photos }, () => pool.infer(greyPhoto(1)));
    const settled = Promise.allSettled(inferences);
    await Promise.all(threads.map((thread) => thread.terminate()));

    const last = (await settled).at(-1);
    expect(last).toMatchObject({ status: "rejected", reason: { code: "inference-failed", fate: "crash" } });
    await expect(pool.infer(greyPhoto(1))).rejects.toMatchObject({ code: "inference-failed" });
    await pool.close();
  });
});

describe("opening a pool", () => {
  test("fails when the model can't be loaded, and leaves no thread behind", async () => {
    const model = { ...tiny.model, onnxPath: `${tiny.model.onnxPath}.gone` };
    const opening = InferencePool.open({ model, workers: 2, batchPhotosMax: 4, batchWaitMsMax: 0 });
    await expect(opening).rejects.toMatchObject({ code: "invalid-model", message: expect.stringContaining("gone") });
  });
});

function openPool(workers: number, batchWaitMsMax = 1): Promise<InferencePool> {
  return InferencePool.open({ model: tiny.model, workers, batchPhotosMax: 4, batchWaitMsMax });
}
