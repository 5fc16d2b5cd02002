import sharp from "sharp";
import { describe, expect, test } from "vitest";
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

describe("a few bytes that announce more entries than any photo has make no header", () => {
  const box = (type: string, ...parts: Uint8Array[]) => {
    const data = Buffer.concat(parts);
    const header = Buffer.alloc(8);
    header.writeUInt32BE(8 + data.byteLength);
    header.write(type, 4, "latin1");
    return Buffer.concat([header, data]);
  };
  const fullBox = (type: string, ...parts: Uint8Array[]) => box(type, Buffer.alloc(4), ...parts);
  const numbers = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
  const oneProperty = fullBox("ipma", numbers(0, 1, 1), Uint8Array.of(1, 1));
  /** An AVIF whose only item has a size, with these tables. */
  const avif = (ipma: Uint8Array, ...tables: Uint8Array[]) =>
    Buffer.concat([
      box("ftyp", Buffer.from("avif\0\0\0\0mif1avif", "latin1")),
      fullBox(
        "meta",
        fullBox("pitm", numbers(1)),
        box("iprp", box("ipco", fullBox("ispe", numbers(0, 64, 0, 64))), ipma),
        ...tables,
      ),
    ]);

  test("of the same kind with one entry there is one", () => {
    const iloc = fullBox("iloc", Uint8Array.of(0, 0), numbers(1, 1, 0, 1));
    expect(readPhotoHeader(avif(oneProperty, iloc), "avif")).toMatchObject({ width: 64, height: 64 });
  });

  test("extents of an item that take no bytes", () => {
    const item = numbers(1, 0, 65_535);
    const iloc = fullBox("iloc", Uint8Array.of(0, 0), numbers(100), ...Array.from({ length: 100 }, () => item));
    expect(readPhotoHeader(avif(oneProperty, iloc), "avif")).toBeUndefined();
  });

  test("properties of one item, again and again", () => {
    const entries = Buffer.alloc(4 * 60_000, Uint8Array.of(0, 1, 1, 1));
    expect(readPhotoHeader(avif(fullBox("ipma", numbers(0, 60_000), entries)), "avif")).toBeUndefined();
  });

  test("references, many boxes of them", () => {
    const reference = box("cdsc", numbers(1, 40_000), Buffer.alloc(80_000));
    expect(readPhotoHeader(avif(oneProperty, fullBox("iref", reference, reference)), "avif")).toBeUndefined();
  });

  test("JPEG segments of no bytes in front of the frame", () => {
    const frame = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 64, 0, 64, 1, 1, 0x11, 0, 0xff, 0xda, 0, 2, 0xff, 0xd9]);
    const jpeg = (segments: number) =>
      Buffer.concat([Uint8Array.of(0xff, 0xd8), Buffer.alloc(4 * segments, Uint8Array.of(0xff, 0xe0, 0, 2)), frame]);
    expect(readPhotoHeader(jpeg(1_000), "jpeg")).toMatchObject({ width: 64, height: 64 });
    expect(readPhotoHeader(jpeg(100_000), "jpeg")).toBeUndefined();
  });
});
