import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder, type ModelFolder } from "#lib/model/model-folder.ts";
import { type DecodedPhoto, decodePhoto } from "#lib/photo/decode-photo.ts";

const odd = new URL("../../../shared/odd/", import.meta.url);

/** Upright width, height, and the pixel in the middle as Pillow 13 decodes it (CMYK and AVIF: within the tolerance). */
const decodable: Record<string, { size: [number, number]; middle: [number, number, number]; tolerance?: number }> = {
  "animated.gif": { size: [370, 285], middle: [254, 255, 252] },
  "animated.webp": { size: [370, 285], middle: [255, 255, 253] },
  "bad_exif.jpg": { size: [500, 500], middle: [255, 255, 255] },
  "cmyk_adobe.jpg": { size: [100, 100], middle: [1, 4, 5], tolerance: 25 },
  "exif_orientation_1.jpg": { size: [1200, 1800], middle: [255, 255, 255] },
  "exif_orientation_2.jpg": { size: [1200, 1800], middle: [254, 255, 255] },
  "exif_orientation_4.jpg": { size: [1200, 1800], middle: [149, 157, 160] },
  "exif_orientation_5.jpg": { size: [1200, 1800], middle: [139, 156, 164] },
  "exif_orientation_6.jpg": { size: [1200, 1800], middle: [139, 156, 164] },
  "exif_orientation_8.jpg": { size: [1200, 1800], middle: [139, 156, 164] },
  "exif_type_error.jpg": { size: [800, 531], middle: [119, 133, 116] },
  "fully_transparent.png": { size: [300, 300], middle: [71, 112, 76] },
  "grey8.tiff": { size: [21, 21], middle: [255, 255, 255] },
  "grey8_alpha.png": { size: [400, 300], middle: [224, 224, 224] },
  "greyscale.jpg": { size: [128, 128], middle: [99, 99, 99] },
  "lossy.webp": { size: [1024, 772], middle: [82, 173, 231] },
  "one_pixel.png": { size: [1, 1], middle: [255, 77, 0] },
  "photo.avif": { size: [4096, 800], middle: [159, 63, 57], tolerance: 8 },
  "png16_grey_alpha.png": { size: [109, 96], middle: [0, 0, 0] },
  "png16_rgb.png": { size: [900, 600], middle: [255, 255, 255] },
  "png_named.jpg": { size: [1, 1], middle: [255, 77, 0] },
  "progressive.jpg": { size: [320, 240], middle: [213, 220, 230] },
};

const undecodable = {
  "bmp_really_big.bmp": "pixel-limit",
  "text_named.jpg": "unsupported-format",
  "vector.svg": "unsupported-format",
  "broken_png_80_bytes.png": "corrupt-image",
  "corrupt_header.jpg": "corrupt-image",
  "truncated.jpg": "corrupt-image",
  "truncated.png": "corrupt-image",
  "zero_bytes.jpg": "corrupt-image",
  "bomb_17000x17000.avif": "pixel-limit",
  "bomb_65536x65536.png": "pixel-limit",
};

const RSS_BYTES_MAX = 700_000_000;

let model: ModelFolder;
let pool: InferencePool;
beforeAll(async () => {
  model = await loadModelFolder(fileURLToPath(new URL("../models/mobilenet_v2", import.meta.url)));
  pool = await InferencePool.open({ model, workers: 2, batchPhotosMax: 4, batchWaitMsMax: 5 });
});
afterAll(() => pool.close());

test("every odd file is expected to decode or to fail", () => {
  const files = readdirSync(odd).filter((name) => name !== "README.md");
  expect(files.sort()).toEqual([...Object.keys(decodable), ...Object.keys(undecodable)].sort());
});

describe("a decodable file", () => {
  test.each(Object.entries(decodable))("%s becomes a vector", async (name, { size, middle, tolerance = 0 }) => {
    const whole = await decodeOdd(name, 4096);
    expect([whole.width, whole.height]).toEqual(size);
    for (const [channel, value] of middlePixel(whole).entries()) {
      expect(Math.abs(value - middle[channel]!), `channel ${channel} is ${value}`).toBeLessThanOrEqual(tolerance);
    }

    const photo = await decodeOdd(name, model.manifest.input.width);
    expect([photo.photoWidth, photo.photoHeight]).toEqual(size);
    const { features, predictions } = await pool.infer(photo);
    expect(features.every(Number.isFinite)).toBe(true);
    expect(predictions).toHaveLength(model.manifest.topK);
    expect(process.memoryUsage.rss()).toBeLessThan(RSS_BYTES_MAX);
  });
});

describe("an undecodable file", () => {
  test.each(Object.entries(undecodable))("%s fails with its reason", async (name, code) => {
    await expect(decodeOdd(name, model.manifest.input.width)).rejects.toMatchObject({ code, fate: "dead-letter" });
    expect(process.memoryUsage.rss()).toBeLessThan(RSS_BYTES_MAX);
  });
});

/** Decodes for a model of a square input; for a huge one the photo is not reduced. */
async function decodeOdd(name: string, inputSide: number): Promise<DecodedPhoto> {
  const input = { width: inputSide, height: inputSide, resize: "stretch" as const };
  return decodePhoto(await readFile(new URL(name, odd)), { input });
}

function middlePixel({ pixels, width, height }: DecodedPhoto): number[] {
  const start = 3 * (Math.floor(height / 2) * width + Math.floor(width / 2));
  return Array.from(pixels.subarray(start, start + 3));
}
