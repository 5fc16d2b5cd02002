import { parentPort, workerData } from "node:worker_threads";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { openPhotoModel, type PhotoModel, type PhotoOutcome } from "./photo-model.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker-messages.ts";

/** The entry of an inference thread: opens its own copy of the model, then answers one batch after the other. */
const { model, batchPhotosMax }: WorkerSetup = workerData;
const port = parentPort!;

try {
  const photoModel = await openPhotoModel(model, batchPhotosMax);
  port.on("message", (request: WorkerRequest) => void answer(photoModel, request));
  reply({ kind: "ready", featureDimension: photoModel.featureDimension });
} catch (error) {
  reply(failure(error));
}

async function answer(photoModel: PhotoModel, request: WorkerRequest): Promise<void> {
  if (request.kind === "close") {
    await photoModel.release();
    port.close();
    return;
  }
  try {
    const outcomes = await photoModel.infer(request.photos);
    reply({ kind: "outcomes", outcomes, cpu: photoModel.takeCpu() }, outcomes.flatMap(featureBuffer));
  } catch (error) {
    reply(failure(error));
  }
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function featureBuffer(outcome: PhotoOutcome): ArrayBuffer[] {
  return "vector" in outcome ? [outcome.vector.features.buffer as ArrayBuffer] : [];
}

/** Errors lose their class between threads, so code and message travel by themselves. */
function failure(error: unknown): WorkerReply {
  if (error instanceof FruitstreamError) return { kind: "failed", code: error.code, message: error.message };
  return { kind: "failed", code: "inference-failed", message: `inference failed: ${String(error)}` };
}
