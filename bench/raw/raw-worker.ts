import { parentPort, workerData } from "node:worker_threads";
import { openNetwork } from "#lib/model/network.ts";
import type { RawRequest, RawResult, RawSetup } from "./raw-messages.ts";

/** The entry of a thread that does nothing but run the network, again and again on the same batch. */
const { model, batchPhotos, threads }: RawSetup = workerData;
const port = parentPort!;
const { session, input, features, classes } = await openNetwork(model, threads);
const { layout, width, height } = model.manifest.input;
const shape = layout === "NCHW" ? [batchPhotos, 3, height, width] : [batchPhotos, height, width, 3];
const batch = { [input]: { data: noise(batchPhotos * 3 * height * width), shape } };
const outputs = classes === undefined ? [features] : [features, classes];
await session.run(batch, outputs);

port.on("message", async ({ durationMs }: RawRequest) => {
  if (durationMs === 0) {
    await session.release();
    port.close();
    return;
  }
  const startedAtMs = performance.now();
  let photos = 0;
  while (performance.now() - startedAtMs < durationMs) {
    await session.run(batch, outputs);
    photos += batchPhotos;
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  port.postMessage({ photos, seconds } satisfies RawResult);
});
port.postMessage("ready");

/** Values of the range that scaled photos have; what they are doesn't change how long a network takes. */
function noise(length: number): Float32Array {
  return Float32Array.from({ length }, () => 2 * Math.random() - 1);
}
