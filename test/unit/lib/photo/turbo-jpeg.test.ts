import fc from "fast-check";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, test } from "vitest";
import { openTurboJpeg } from "#lib/photo/turbo-jpeg.ts";
import { propertyRuns } from "../../../property-runs.ts";

const decode = await openTurboJpeg();

const jpegOptions = fc.record({
  quality: fc.integer({ min: 1, max: 100 }),
  progressive: fc.boolean(),
  mozjpeg: fc.boolean(),
  chromaSubsampling: fc.constantFrom("4:2:0", "4:4:4"),
});
const side = fc.integer({ min: 1, max: 40 });

describe("openTurboJpeg", () => {
  test("gives the pixels that libvips gives, for every size, quality, subsampling and kind", async () => {
    await fc.assert(
      fc.asyncProperty(side, side, jpegOptions, fc.boolean(), fc.nat(), async (width, height, options, grey, seed) => {
        const jpeg = await noise(width, height, options, grey, seed);
        expect(isSame(decode(jpeg)!, await rgbByLibvips(jpeg))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("takes nothing that is damaged, and the next photo as before", async () => {
    const jpeg = await noise(40, 30, { quality: 90 }, false, 1);
    const whole = decode(jpeg)!;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: jpeg.length - 3 }), async (length) => {
        expect(decode(jpeg.subarray(0, length))).toBeUndefined();
        expect(isSame(decode(jpeg)!, whole)).toBe(true);
      }),
      propertyRuns(50),
    );
  });
});

function noise(width: number, height: number, options: JpegOptions, grey: boolean, seed: number): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, index) => (index * 2_654_435_761 + seed) >>> 7);
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return (grey ? image.toColourspace("b-w") : image).jpeg(options).toBuffer();
}

/** `toEqual` compares pixel by pixel, and takes ten times as long as the decoding. */
function isSame(pixels: Uint8Array, others: Uint8Array): boolean {
  return Buffer.compare(pixels, others) === 0;
}

function rgbByLibvips(jpeg: Buffer): Promise<Buffer> {
  return sharp(jpeg).toColourspace("srgb").raw().toBuffer();
}
