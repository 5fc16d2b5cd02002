import sharp from "sharp";
import { expect, test } from "vitest";
import type { GifHeader } from "#lib/photo/header/gif-header.ts";
import { withoutTransparency } from "#lib/photo/header/gif-header.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { readPhotoHeader } from "#lib/photo/header/read-photo-header.ts";

const WIDTH = 37;
const HEIGHT = 21;
const image = (channels: 3 | 4 = 3) =>
  sharp({ create: { width: WIDTH, height: HEIGHT, channels, background: { r: 200, g: 90, b: 20, alpha: 0.5 } } });
const headerOf = (bytes: Uint8Array) => readPhotoHeader(bytes, sniffPhotoFormat(bytes)!)!;
const size = { width: WIDTH, height: HEIGHT };

test.each([
  { name: "baseline JPEG", file: () => image().jpeg(), is: { isProgressive: false, scans: 1, samplesPerPixel: 1.5 } },
  { name: "4:4:4 JPEG", file: () => image().jpeg({ chromaSubsampling: "4:4:4" }), is: { samplesPerPixel: 3 } },
  { name: "progressive JPEG", file: () => image().jpeg({ progressive: true }), is: { isProgressive: true } },
  { name: "grey JPEG", file: () => image().toColourspace("b-w").jpeg(), is: { samplesPerPixel: 1 } },
  { name: "PNG", file: () => image().png(), is: { bitsPerSample: 8, hasAlpha: false, isInterlaced: false } },
  {
    name: "PNG with alpha",
    file: () => image(4).png({ progressive: true }),
    is: { hasAlpha: true, isInterlaced: true },
  },
  { name: "16-bit PNG", file: () => image().toColourspace("rgb16").png(), is: { bitsPerSample: 16 } },
  { name: "lossy WebP", file: () => image().webp(), is: { hasAlpha: false, isLossless: false } },
  { name: "lossless WebP", file: () => image().webp({ lossless: true }), is: { isLossless: true } },
  { name: "WebP with alpha", file: () => image(4).webp(), is: { hasAlpha: true } },
  { name: "GIF", file: () => image().gif(), is: { frames: 1 } },
  { name: "TIFF", file: () => image().tiff(), is: { bitsPerSample: 8, unreadable: undefined } },
  { name: "TIFF in tiles", file: () => image().tiff({ tile: true }), is: { unreadable: undefined } },
  { name: "AVIF", file: () => image().avif({ effort: 0 }), is: { bitsPerSample: 8, isCut: false } },
  { name: "AVIF with alpha", file: () => image(4).avif({ effort: 0 }), is: { hasAlpha: true, isCut: false } },
])("$name: what sharp writes is read", async ({ file, is }) => {
  const header = headerOf(await file().toBuffer());
  expect(header).toMatchObject({ ...size, ...is });
});

test("profile, EXIF and XMP are found", async () => {
  for (const format of ["jpeg", "png", "webp"] as const) {
    const bytes = await image()
      .withIccProfile("p3")
      .withExif({ IFD0: { Copyright: "nobody" } })
      .toFormat(format)
      .toBuffer();
    expect(headerOf(bytes), format).toMatchObject({ hasProfile: true, isCut: false });
    expect(headerOf(bytes).exif?.byteLength, format).toBeGreaterThan(20);
  }
});

test.each(["jpeg", "png", "webp", "avif"] as const)("a %s cut at half is known to be cut", async (format) => {
  const noise = Buffer.from(Array.from({ length: 3 * 200 * 200 }, (_, index) => (index * 7_919) % 251));
  const bytes = await sharp(noise, { raw: { width: 200, height: 200, channels: 3 } })
    .toFormat(format)
    .toBuffer();
  expect(headerOf(bytes).isCut).toBe(false);
  expect(headerOf(bytes.subarray(0, bytes.length / 2)).isCut).toBe(true);
});

test("a GIF's transparent colour is its ground, and can be shown", async () => {
  const half = await sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
    .composite([
      {
        input: await sharp({ create: { width: 2, height: 4, channels: 3, background: "#fa0" } })
          .png()
          .toBuffer(),
        left: 0,
        top: 0,
      },
    ])
    .gif()
    .toBuffer();
  const header = headerOf(half) as GifHeader;
  expect(header.hasAlpha).toBe(true);
  const shown = headerOf(withoutTransparency(half, header)) as GifHeader;
  expect(shown.hasAlpha).toBe(false);
});
