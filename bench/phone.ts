import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import sharp from "sharp";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { type Bench, type BenchContext, sized } from "./bench.ts";
import { interleave } from "./measure/interleave.ts";
import { cpuMsOf } from "./measure/own-cpu.ts";
import { summarise, summariseBy } from "./measure/statistics.ts";
import { readSample, type SamplePhoto, uploadPhotos } from "./pipeline/photo-sample.ts";
import { measureStagesTogether, type StagesTogether } from "./stages/stages-together.ts";

/** 12 megapixels, as phones take them. */
const WIDTH = 4_000;
const HEIGHT = 3_000;
const QUALITY = 90;
/** Photos of phones and cameras, where they lie beside the checkout and no other folder is given. */
const PHONE_PHOTOS = fileURLToPath(new URL("../../shared/photos", import.meta.url));

/** Photos as phones take them, and what reducing while decoding saves. */
export const phoneBench: Bench = {
  name: "phone",
  title: "Phone: 12-megapixel photos",
  async run(context) {
    const { store } = await context.stack();
    const sample = await enlargedPhotos(context);
    const photos = await uploadPhotos(store, "phone", sample);
    const bytes = sample.reduce((sum, photo) => sum + photo.bytes.byteLength, 0) / sample.length;
    const count = sized(context, { full: 800, usual: 500, quick: 240 });
    const options = { photos, count, warmUpPhotos: sized(context, { full: 48, usual: 48, quick: 12 }) };
    const rounds = await interleave(
      sized(context, { full: 3, usual: 2, quick: 1 }),
      {
        pipeline: () => measureStagesTogether(context, options),
        "reduced while decoding": () => measureDecoding(sample, (photo) => decodeAsFeaturizer(context, photo)),
        "decoded whole": () => measureDecoding(sample, decodeWhole),
      },
      (side, round) => context.tell(`phone: ${side}, round ${round}`),
    );
    const together = (name: Exclude<keyof StagesTogether, "throughput">) =>
      summariseBy(rounds.pipeline, (round) => round[name]);
    return {
      method: `${sample.length} photos enlarged to ${WIDTH} × ${HEIGHT} (JPEG, quality ${QUALITY}, ${(bytes / 2 ** 20).toFixed(1)} MiB on average), announced until there are ${count}; steady state and stages as in the other benches. Decoding alone, in the bench's process: as the featurizer does it, which reduces inside the JPEG decoder, and whole.`,
      tables: [
        {
          caption: "Throughput.",
          columns: ["figure", "value", "unit"],
          rows: [
            [
              "steady state",
              summariseBy(rounds.pipeline, ({ throughput }) => throughput.photosPerSecondSteady),
              "photos/s",
            ],
            [
              "peak RSS of the featurizer",
              summariseBy(rounds.pipeline, ({ throughput }) => throughput.rssPeakMiB.featurizer!),
              "MiB",
            ],
          ],
        },
        {
          caption: "CPU of the featurizer by stage, and of the S3 server.",
          columns: ["stage", "CPU-ms per photo"],
          rows: [
            ["decode", together("decode")],
            ["resize, scaling, layout", together("resize")],
            ["network", together("infer")],
            ["rest of the inference threads", together("inferenceRest")],
            ["fetch, publish, order, offsets", together("clients")],
            ["encode", together("encode")],
            ["V8's own threads", together("engine")],
            ["the featurizer's process", together("process")],
            ["the S3 server's process", summariseBy(rounds.pipeline, ({ throughput }) => throughput.cpuMsPerPhoto.S3!)],
          ],
        },
        {
          caption: "Decoding alone.",
          columns: ["way", "CPU-ms per photo"],
          rows: [
            ["reduced while decoding", summarise(rounds["reduced while decoding"])],
            ["decoded whole", summarise(rounds["decoded whole"])],
          ],
        },
      ],
      plots: [],
      notes: [],
    };
  },
};

/** Brought to a phone's number of pixels. What was smaller is smoother then than a phone's own, so its file is smaller. */
async function enlargedPhotos(context: BenchContext): Promise<SamplePhoto[]> {
  const sample = () => readSample(context.photosFolder);
  const real = context.isPhotosFolderGiven ? await sample() : await readSample(PHONE_PHOTOS).catch(sample);
  const limit = pLimit(context.cores);
  return Promise.all(
    real.slice(0, sized(context, { full: 24, usual: 24, quick: 6 })).map(({ name, bytes }) =>
      limit(async () => {
        const image = sharp(bytes).resize(WIDTH, HEIGHT, { fit: "cover" }).jpeg({ quality: QUALITY });
        return { name, bytes: await image.toBuffer() };
      }),
    ),
  );
}

function decodeAsFeaturizer({ model }: BenchContext, bytes: Uint8Array): Promise<unknown> {
  return decodePhoto(bytes, { input: model.manifest.input });
}

function decodeWhole(bytes: Uint8Array): Promise<unknown> {
  return sharp(bytes).removeAlpha().raw().toBuffer();
}

async function measureDecoding(
  photos: readonly SamplePhoto[],
  decode: (bytes: Uint8Array) => Promise<unknown>,
): Promise<number> {
  const cpuMs = await cpuMsOf(async () => {
    for (const { bytes } of photos) await decode(bytes);
  });
  return cpuMs / photos.length;
}
