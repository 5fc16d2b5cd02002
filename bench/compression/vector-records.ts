import { createHash } from "node:crypto";
import type { NewRecord } from "#lib/log/record-log.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import type { BenchContext } from "../bench.ts";
import { BUCKET } from "../pipeline/bench-stack.ts";
import type { SamplePhoto } from "../pipeline/photo-sample.ts";
import { vectorsOf } from "../pipeline/sample-vectors.ts";

/** Photos' vectors as the featurizer publishes them, for one partition. */
export async function vectorRecords(context: BenchContext, photos: readonly SamplePhoto[]): Promise<NewRecord[]> {
  const vectors = await vectorsOf(context, photos);
  return photos.map(({ name, bytes }, index) => {
    const key = `photos/${name}`;
    const atMs = Date.UTC(2026, 0, 1, 12) + 4 * index;
    const message = {
      run: LIVE_RUN,
      sourceTopic: "photos",
      sourcePartition: 0,
      sourceOffset: index,
      model: context.model.id,
      bucket: BUCKET,
      key,
      etag: createHash("md5").update(bytes).digest("hex"),
      label: name.split("/").at(-2) ?? null,
      widthPx: 100,
      heightPx: 100,
      capturedAtMs: atMs,
      capturedAtSource: "object",
      ingestedAtMs: atMs,
      featurizedAtMs: atMs,
      traceparent: null,
      ...vectors[index]!,
    };
    return { partition: 0, key: Buffer.from(key), value: photoFeaturesCodec.encode(message) };
  });
}
