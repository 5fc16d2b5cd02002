import { openPhotoModel, type PhotoVector } from "#lib/model/inference/photo-model.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import type { BenchContext } from "../bench.ts";
import type { SamplePhoto } from "./photo-sample.ts";

/** The vectors of photos in their order, computed in this process with the featurizer's code; not timed. */
export async function vectorsOf({ model }: BenchContext, photos: readonly SamplePhoto[]): Promise<PhotoVector[]> {
  const photoModel = await openPhotoModel(model, 1);
  try {
    const vectors: PhotoVector[] = [];
    for (const { bytes } of photos) {
      const [outcome] = await photoModel.infer([await decodePhoto(bytes, { input: model.manifest.input })]);
      if (outcome && "vector" in outcome) vectors.push(outcome.vector);
    }
    return vectors;
  } finally {
    await photoModel.release();
  }
}
