import pLimit from "p-limit";
import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { type DecodedPhoto, decodePhoto } from "#lib/photo/decode-photo.ts";
import { defaultOf } from "#lib/runtime/config.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";
import { fetchPhoto } from "#services/featurizer/fetch-photo.ts";
import type { BenchContext } from "../bench.ts";
import type { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { FEATURIZER_BATCH_PHOTOS } from "../raw/raw.ts";

/** CPU-ms per photo of each stage by itself, in this process, all its threads counted. */
export interface StagesAlone {
  readonly fetch: number;
  readonly decode: number;
  readonly resize: number;
  readonly infer: number;
  readonly encode: number;
  readonly publish: number;
}

const PUBLISH_RECORDS = 32;

/** Runs the stages one after the other over the same photos, with the featurizer's own code and bounds. */
export async function measureStagesAlone(
  context: BenchContext,
  pipeline: BenchPipeline,
  photos: readonly StoredPhoto[],
): Promise<StagesAlone> {
  const { manifest } = context.model;
  const { store, producer } = pipeline.stack;
  const bytesMax = defaultOf(featurizerConfig.photoBytesMax);
  const fetching = pLimit(defaultOf(featurizerConfig.fetchesMax));
  const decoding = pLimit(defaultOf(featurizerConfig.decodesMax));
  const perPhoto = (cpuMs: number) => cpuMs / photos.length;

  const announced = photos.map((photo) => ({ ...photo, ingestedAtMs: 0 }));
  const fetched = await withCpu(() =>
    Promise.all(announced.map((photo) => fetching(() => fetchPhoto(store, photo, bytesMax, context.signal)))),
  );
  const decoded = await withCpu(() =>
    Promise.all(fetched.result.map((bytes) => decoding(() => decodePhoto(bytes, { input: manifest.input })))),
  );
  const inferred = await inferAll(context, decoded.result);
  const encoded = await withCpu(async () =>
    inferred.vectors.map((features, index) => encode(photos[index]!, features)),
  );
  const published = await withCpu(async () => {
    for (let first = 0; first < encoded.result.length; first += PUBLISH_RECORDS) {
      const values = encoded.result.slice(first, first + PUBLISH_RECORDS);
      await producer.append(
        pipeline.topics.features,
        values.map((value, index) => ({ partition: 0, key: Buffer.from(photos[first + index]!.key), value })),
      );
    }
  });
  return {
    fetch: perPhoto(fetched.cpuMs),
    decode: perPhoto(decoded.cpuMs),
    resize: perPhoto(inferred.resizeMs),
    infer: perPhoto(inferred.inferMs),
    encode: perPhoto(encoded.cpuMs),
    publish: perPhoto(published.cpuMs),
  };
}

async function inferAll({ model }: BenchContext, photos: readonly DecodedPhoto[]) {
  const photoModel = await openPhotoModel(model, FEATURIZER_BATCH_PHOTOS);
  try {
    const vectors: Float32Array[] = [];
    for (let first = 0; first < photos.length; first += FEATURIZER_BATCH_PHOTOS) {
      const outcomes = await photoModel.infer(photos.slice(first, first + FEATURIZER_BATCH_PHOTOS));
      vectors.push(...outcomes.flatMap((outcome) => ("vector" in outcome ? [outcome.vector.features] : [])));
    }
    const { resizeSeconds, inferSeconds } = photoModel.takeCpu();
    return { vectors, resizeMs: 1_000 * resizeSeconds, inferMs: 1_000 * inferSeconds };
  } finally {
    await photoModel.release();
  }
}

function encode({ sizeBytes: _sizeBytes, ...photo }: StoredPhoto, features: Float32Array): Uint8Array {
  const position = { run: LIVE_RUN, sourceTopic: "photos", sourcePartition: 0, sourceOffset: 0 };
  const size = { widthPx: 100, heightPx: 100 };
  const times = { ingestedAtMs: photo.capturedAtMs, featurizedAtMs: photo.capturedAtMs };
  return photoFeaturesCodec.encode({
    ...photo,
    ...position,
    ...size,
    ...times,
    model: "m",
    features,
    predictions: null,
  });
}

async function withCpu<Result>(work: () => Promise<Result>): Promise<{ result: Result; cpuMs: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, cpuMs: (user + system) / 1_000 };
}
