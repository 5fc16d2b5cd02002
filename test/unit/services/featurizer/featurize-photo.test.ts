import { expect, test } from "vitest";
import type { LogRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import { PhotoFeaturizer } from "#services/featurizer/featurize-photo.ts";
import { countingClock } from "../../../fakes/counting-clock.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { exifBlock } from "../../lib/photo/exif-block.ts";

const ANNOUNCED_MS = Date.UTC(2025, 5, 1, 12);
const MODIFIED_MS = Date.UTC(2025, 4, 30);
const TAKEN = "2023-07-13T20:45:12.000Z";
const ORIGINAL = 36_867;
const OFFSET = 36_881;
const taken = exifBlock({ photo: { [ORIGINAL]: "2023:07:14 02:15:12", [OFFSET]: "+05:30" } });

/** When a photo with this EXIF was captured, and by whose word, if this was announced. */
async function timeOf(exif: Uint8Array | undefined, announced: Partial<PhotoArrived>) {
  const store = createMemoryObjectStore(["photos"]);
  const place = { bucket: "photos", key: "1.jpg" };
  const { etag } = await store.put(place, Uint8Array.of(1));
  const times = { capturedAtMs: MODIFIED_MS, capturedAtSource: "object", ingestedAtMs: ANNOUNCED_MS };
  const photo = { ...place, etag, sizeBytes: 1, label: null, ...times, traceparent: null, ...announced };
  const clock = countingClock();
  const decoded = { pixels: new Uint8Array(3), width: 1, height: 1, photoWidth: 1, photoHeight: 1 };
  const featurizer = new PhotoFeaturizer(
    {
      store,
      forgotten: new ForgottenPhotos(),
      clock,
      decode: async () => ({ decoded, exif }),
      infer: async () => ({ features: Float32Array.of(1), predictions: null }),
      retry: new WaitingRetry({ clock, health: new Health(() => 0, []), logger: silentLogger }),
    },
    { run: "live", model: "m-000000000000", photoBytesMax: 1, fetchesMax: 1 },
  );
  const record: LogRecord = { topic: "photos", partition: 0, offset: 0, key: null, value: null };
  const { features, deadLetter } = await featurizer.featurize(photo, record, new AbortController().signal);
  expect(deadLetter).toBeUndefined();
  return [new Date(features!.capturedAtMs).toISOString(), features!.capturedAtSource];
}

test("the photo's own time comes before that of its object", async () => {
  expect(await timeOf(taken, {})).toEqual([TAKEN, "exif"]);
  const local = exifBlock({ photo: { [ORIGINAL]: "2023:07:14 02:15:12" } });
  expect(await timeOf(local, {})).toEqual(["2023-07-14T02:15:12.000Z", "exif-local"]);
});

test.each(["client", "what-a-later-version-says"])(
  "the word of %s comes before the photo's own time",
  async (source) => {
    expect(await timeOf(taken, { capturedAtSource: source })).toEqual([new Date(MODIFIED_MS).toISOString(), source]);
  },
);

test("without EXIF, or with an absurd time there, the object's time stays", async () => {
  const objects = [new Date(MODIFIED_MS).toISOString(), "object"];
  expect(await timeOf(undefined, {})).toEqual(objects);
  for (const absurd of ["0000:00:00 00:00:00", "1804:07:14 02:15:12", "2099:09:29 10:10:10"]) {
    expect(await timeOf(exifBlock({ photo: { [ORIGINAL]: absurd } }), {}), absurd).toEqual(objects);
  }
});

test("a clock that ran ahead when the photo was announced is not believed by a replay years later either", async () => {
  const ahead = exifBlock({ photo: { [ORIGINAL]: "2025:06:03 12:00:00" } });
  expect(await timeOf(ahead, {})).toEqual([new Date(MODIFIED_MS).toISOString(), "object"]);
});

test("an announcement of version 1 does not tell, so the photo does; and where it can't, nobody does", async () => {
  const version1 = Buffer.from(
    "wwFoHP44AMJ/CQxwaG90b3MicGhvdG9zL0tpd2kvMS5qcGdAOWUxMDdkOWQzNzJiYjY4MjZiZDgxZDM1NDJhNDE5ZDb62wMCCEtpd2n2oav++WLQr6v+" +
      "+WIA",
    "base64",
  );
  const { capturedAtMs, capturedAtSource, ingestedAtMs } = photoArrivedCodec.decode(version1);
  const announced = { capturedAtMs, capturedAtSource, ingestedAtMs };
  expect(await timeOf(taken, announced)).toEqual([TAKEN, "exif"]);
  expect(await timeOf(undefined, announced)).toEqual([new Date(capturedAtMs).toISOString(), null]);
});
