import sharp from "sharp";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { Random } from "#lib/runtime/random.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";

const SIDE_PX = 24;
const SEED = 24;

/** A photo on S3, with the vector that an undisturbed featurizer gives it. */
export interface SamplePhoto {
  readonly bytes: Uint8Array;
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly features: Float32Array;
}

/** Photos of random colours, one vector per photo. The folder holds the model. */
export async function storeSamplePhotos(
  store: ObjectStore,
  bucket: string,
  count: number,
  modelFolder: string,
): Promise<SamplePhoto[]> {
  const random = new Random(SEED);
  const model = await loadModelFolder(modelFolder);
  const photoModel = await openPhotoModel(model, 1);
  const photos: SamplePhoto[] = [];
  for (let index = 0; index < count; index++) {
    const bytes = await renderPhoto(random);
    const decoded = await decodePhoto(bytes, { input: model.manifest.input });
    const [outcome] = await photoModel.infer([decoded]);
    if (!outcome || !("vector" in outcome)) throw new Error(`photo ${index} has no vector`);
    const key = `photos/${String(index).padStart(4, "0")}.png`;
    const { etag } = await store.put({ bucket, key }, bytes);
    photos.push({ bytes, key, etag, sizeBytes: bytes.byteLength, features: outcome.vector.features });
  }
  await photoModel.release();
  return photos;
}

function renderPhoto(random: Random): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 3 * SIDE_PX * SIDE_PX }, () => random.between(0, 255));
  return sharp(pixels, { raw: { width: SIDE_PX, height: SIDE_PX, channels: 3 } })
    .png()
    .toBuffer();
}
