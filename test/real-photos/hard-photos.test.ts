import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder, type ModelFolder } from "#lib/model/model-folder.ts";
import { readCaptureTime } from "#lib/photo/capture-time.ts";
import { DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import { GuardedDecoder } from "#lib/photo/guarded-decoder.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { readPhotoHeader } from "#lib/photo/header/read-photo-header.ts";

const shared = new URL("../../../shared/", import.meta.url);
const references: Record<string, { features: string; width: number; height: number }> = {
  ...JSON.parse(readFileSync(new URL("reference/hard_features_optional.json", shared), "utf8")),
  ...JSON.parse(readFileSync(new URL("reference/hard_features.json", shared), "utf8")),
};
const bytesOf = (name: string) => readFile(new URL(`hard/${encodeURI(name)}`, shared));

let model: ModelFolder;
let pool: InferencePool;
let decoder: GuardedDecoder;
beforeAll(async () => {
  model = await loadModelFolder(fileURLToPath(new URL("../models/mobilenet_v2", import.meta.url)));
  pool = await InferencePool.open({ model, workers: 2, batchPhotosMax: 4, batchWaitMsMax: 5 });
  const decode = { input: model.manifest.input, limits: DEFAULT_PHOTO_LIMITS };
  decoder = new GuardedDecoder({ decode, decodesMax: 4, processesMax: 2, decodeMsMax: 60_000 });
});
afterAll(async () => {
  decoder.close();
  await pool.close();
});

/** Chroma decoders of more than 8 bits and of HEIC differ. */
const LOOSE = /\.avif$|heic/;

const rows = [
  "avif_10bit_p3_nclx.avif",
  "avif_10bit_srgb_icc.avif",
  "avif_sequence.avif",
  "bmp_24bit_v5.bmp",
  "bmp_palette_4bit.bmp",
  "bmp_rle8.bmp",
  "date_and_gps_time",
  "date_offset_plus_0530.jfif",
  "display_p3_date_no_offset.jpe",
  "gif_transparent_x.gif",
  "größe/äpfel_größe.jpg".normalize("NFC"),
  "größe/äpfel_größe.jpg".normalize("NFD"),
  "heic_10bit_422.hif",
  "heic_iphone8_grid_irot_p3.heic",
  "heic_iphone_xs_named.jpg",
  "heic_xiaomi_grid_gps_time.heic",
  "honest_108mp.jpg",
  "honest_200mp.jpg",
  "jpeg_xmp_orientation_6.jpg",
  "mpo_stereo_3ds.mpo",
  "png_16bit_srgb.png",
  "png_xmp_orientation_3_pillow.png",
  "tiff_16bit_adobe_rgb.tif",
  "tiff_bigtiff.tif",
  "webp_xmp_orientation_8.webp",
];

test("every photo that must become a row has its reference's features and its upright size", async () => {
  const outcomes = await Promise.all(
    rows.map(async (name) => {
      const { features, width, height } = references[`hard/${name}`]!;
      const photo = await decoder.decode(await bytesOf(name));
      const vector = await pool.infer(photo);
      const cosine = cosineOf(vector.features, floats(features));
      const isRight =
        cosine >= (LOOSE.test(name) ? 0.998 : 0.999) && photo.photoWidth === width && photo.photoHeight === height;
      return isRight ? undefined : { name, cosine, width: photo.photoWidth, height: photo.photoHeight };
    }),
  );
  expect(outcomes.filter(Boolean)).toEqual([]);
});

test.each([
  ["bomb_64mp.avif", "pixel-limit", /7990 x 8000 pixels as AVIF.*FEATURIZER_DECODE_BYTES_MAX/],
  ["bomb_64mp.gif", "pixel-limit", /GIF.*FEATURIZER_DECODE_BYTES_MAX/],
  ["bomb_64mp_interlaced16.png", "pixel-limit", /interlaced 16-bit PNG with alpha.*FEATURIZER_DECODE_BYTES_MAX/],
  ["bomb_64mp_progressive_444.jpg", "pixel-limit", /progressive JPEG.*FEATURIZER_DECODE_BYTES_MAX/],
  ["bomb_64mp_rgba.webp", "pixel-limit", /WEBP with alpha.*FEATURIZER_DECODE_BYTES_MAX/],
  ["jpeg_2647_scans_41kb.jpg", "pixel-limit", /2647 scans.*FEATURIZER_JPEG_SCANS_MAX/],
  ["junk_67_bytes.jpg", "corrupt-image", /JPEG header/],
  ["jxl_lossy.jxl", "unsupported-format", /JPEG XL/],
  ["tiff_dng_cfa_thumbnail_first.tif", "unsupported-format", /camera raw/],
  ["tiff_old_jpeg_tiles.tif", "unsupported-format", /old-style JPEG/],
  ["tiff_ycbcr_lzw_bt709.tif", "unsupported-format", /YCbCr/],
  ["truncated_half.jpg", "corrupt-image", /ends too early/],
])("%s is refused as %s, with the reason", async (name, code, message) => {
  await expect(decoder.decode(await bytesOf(name))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test("a grid that is cut short is refused, not filled with darkness", async () => {
  for (const name of ["heic_xiaomi_grid_gps_time.heic", "heic_iphone_xs_named.jpg", "avif_10bit_p3_nclx.avif"]) {
    const bytes = await bytesOf(name);
    const cut = decoder.decode(bytes.subarray(0, Math.floor(bytes.byteLength / 2)));
    await expect(cut, name).rejects.toMatchObject({
      code: "corrupt-image",
      message: expect.stringContaining("too early"),
    });
  }
});

test.each([
  ["date_offset_plus_0530.jfif", "2023-07-13T20:45:12.250Z", "exif"],
  ["heic_10bit_422.hif", "2024-05-06T05:08:09.000Z", "exif"],
  ["heic_iphone_xs_named.jpg", "2021-07-06T13:08:14.164Z", "exif"],
  ["heic_xiaomi_grid_gps_time.heic", "2023-04-27T16:44:18.732Z", "exif-gps"],
  ["date_and_gps_time", "2022-10-30T00:30:00.000Z", "exif-gps"],
  ["display_p3_date_no_offset.jpe", "2021-12-31T23:59:58.000Z", "exif-local"],
])("%s was captured at %s, by %s", async (name, time, source) => {
  const bytes = await bytesOf(name);
  const header = readPhotoHeader(bytes, sniffPhotoFormat(bytes)!)!;
  expect(readCaptureTime(header.exif, Date.UTC(2026, 0, 1))).toEqual({ ms: Date.parse(time), source });
});

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
