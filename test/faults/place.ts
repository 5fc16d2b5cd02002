import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Random } from "#lib/runtime/random.ts";
import { openStackStore } from "#ops/pipeline/endpoints.ts";
import { FaultStack } from "./fault-stack.ts";
import { type SamplePhoto, storeSamplePhotos } from "./sample-photos.ts";
import { writeTinyModel } from "./tiny-model.ts";
import { World } from "./world.ts";

const PHOTOS = 240;
const BUCKET = "faults";

/** A stack with photos and a model. */
export interface Place {
  readonly stack: FaultStack;
  readonly modelFolder: string;
  readonly photos: readonly SamplePhoto[];
}

export async function openPlace(): Promise<Place> {
  const stack = await FaultStack.open();
  const modelFolder = join(stack.folder, "model");
  await writeTinyModel(modelFolder);
  const store = openStackStore(stack.direct);
  await store.ensureBucket(BUCKET);
  const photos = await storeSamplePhotos(store, BUCKET, PHOTOS, modelFolder);
  store.close();
  return { stack, modelFolder, photos };
}

export function openWorld({ stack, modelFolder, photos }: Place, seed: number): Promise<World> {
  const id = `w-${randomUUID().slice(0, 8)}`;
  const logFolder = join(stack.folder, "services", id);
  return World.open({ stack, modelFolder, photos, id, logFolder, bucket: BUCKET, random: new Random(seed) });
}
