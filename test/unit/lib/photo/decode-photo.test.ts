import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { InputGeometry } from "#lib/model/resize-geometry.ts";
import { DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import { type DecodedPhoto, decodePhoto } from "#lib/photo/decode-photo.ts";
import { propertyRuns } from "../../../property-runs.ts";

const small = square(100);
const pixelsMax = 1_000_000;

/** 3 x 2 pixels, every one another colour, in the order of reading. */
const upright = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 255, 255, 255, 0, 255);

describe("decodePhoto", () => {
  test.each([
    { orientation: 1, stored: [0, 1, 2, 3, 4, 5] },
    { orientation: 2, stored: [2, 1, 0, 5, 4, 3] },
    { orientation: 3, stored: [5, 4, 3, 2, 1, 0] },
    { orientation: 4, stored: [3, 4, 5, 0, 1, 2] },
    { orientation: 5, stored: [0, 3, 1, 4, 2, 5] },
    { orientation: 6, stored: [2, 5, 1, 4, 0, 3] },
    { orientation: 7, stored: [5, 2, 4, 1, 3, 0] },
    { orientation: 8, stored: [3, 0, 4, 1, 5, 2] },
  ])("turns a photo of EXIF orientation $orientation upright", async ({ orientation, stored }) => {
    const [width, height] = orientation < 5 ? [3, 2] : [2, 3];
    const turned = Uint8Array.from(stored.flatMap((pixel) => [...upright.subarray(3 * pixel, 3 * pixel + 3)]));
    const png = await raw(turned, width!, height!, 3).withMetadata({ orientation }).png().toBuffer();
    const photo = await decodePhoto(png, { input: small });
    expect(photo).toMatchObject({ width: 3, height: 2, photoWidth: 3, photoHeight: 2 });
    expect([...photo.pixels]).toEqual([...upright]);
  });

  test.each([2, 3, 4, 5, 6, 7, 8])("an eXIf chunk behind a PNG's pixels turns it too (%i)", async (orientation) => {
    const before = await striped(5, 3).withMetadata({ orientation }).png().toBuffer();
    const [start, end] = chunkOf(before, "eXIf");
    const ending = before.length - 12;
    const behind = Buffer.concat([
      ...[before.subarray(0, start), before.subarray(end, ending)],
      ...[before.subarray(start, end), before.subarray(ending)],
    ]);
    expect(await decodePhoto(behind, { input: small })).toEqual(await decodePhoto(before, { input: small }));
  });

  test("around a GIF's first frame the first colour shows", async () => {
    const gif = await raw(new Uint8Array(3 * 4 * 2).fill(200), 4, 2, 3)
      .gif()
      .toBuffer();
    const frameAt = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 4, 0, 2, 0]));
    // The canvas becomes 6 x 5, with the frame at 1, 2.
    gif.writeUInt16LE(6, 6);
    gif.writeUInt16LE(5, 8);
    gif.writeUInt16LE(1, frameAt + 1);
    gif.writeUInt16LE(2, frameAt + 3);
    const { pixels, ...size } = await decodePhoto(gif, { input: small });
    expect(size).toEqual({ width: 6, height: 5, photoWidth: 6, photoHeight: 5 });
    const ground = [...gif.subarray(13, 16)];
    const expected = Array.from({ length: 30 }, (_, index) => {
      const [x, y] = [index % 6, Math.floor(index / 6)];
      return x >= 1 && x < 5 && y >= 2 && y < 4 ? [200, 200, 200] : ground;
    });
    expect([...pixels]).toEqual(expected.flat());
  });

  test("a GIF's first frame that goes beyond the canvas enlarges it, as in Pillow", async () => {
    const gif = await striped(6, 5).gif().toBuffer();
    const whole = await decodePhoto(gif, { input: small });
    gif.writeUInt16LE(4, 6);
    gif.writeUInt16LE(2, 8);
    expect(await decodePhoto(gif, { input: small })).toEqual(whole);
  });

  test.each(["gif", "tiff"] as const)("a %s that ends too early says so", async (format) => {
    const whole = await striped(64, 64).toFormat(format, { compression: "none" }).toBuffer();
    // Of a TIFF the directory comes last here: what is missing is taken out of its middle.
    const cut = format === "gif" ? whole.subarray(0, whole.length / 2) : withStripAt(whole, whole.length - 100);
    await expect(decodePhoto(cut, { input: small })).rejects.toMatchObject({
      code: "corrupt-image",
      message: expect.stringContaining("the file ends too early"),
    });
  });

  test.each([
    { what: "grey", channels: 1 as const, stored: [77], rgb: [77, 77, 77] },
    { what: "grey with alpha", channels: 2 as const, stored: [77, 0], rgb: [77, 77, 77] },
    { what: "transparent", channels: 4 as const, stored: [10, 20, 30, 0], rgb: [10, 20, 30] },
  ])("reads $what pixels as RGB and keeps their colour", async ({ channels, stored, rgb }) => {
    const png = await raw(Uint8Array.from(stored), 1, 1, channels).png().toBuffer();
    expect([...(await decodePhoto(png, { input: small })).pixels]).toEqual(rgb);
  });

  test("keeps the hidden colour of transparent pixels also when it reduces", async () => {
    const pixels = Uint8Array.from({ length: 4 * 64 * 64 }, (_, index) => [10, 20, 30, 0][index % 4]!);
    const png = await raw(pixels, 64, 64, 4).png().toBuffer();
    const photo = await decodePhoto(png, { input: square(16) });
    expect([photo.width, photo.height, ...photo.pixels.subarray(0, 3)]).toEqual([32, 32, 10, 20, 30]);
  });

  test("reduces each axis of a large photo to between two and four times a stretched input", async () => {
    const side = fc.integer({ min: 1, max: 300 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.constantFrom("jpeg", "png"), async (width, height, format) => {
        const bytes = await blank(width, height).toFormat(format).toBuffer();
        const photo = await decodePhoto(bytes, { input: square(16) });
        expect(photo).toMatchObject({ photoWidth: width, photoHeight: height });
        expect(photo.pixels).toHaveLength(3 * photo.width * photo.height);
        expectReduced(photo.width, width, 16);
        expectReduced(photo.height, height, 16);
      }),
      propertyRuns(50),
    );
  });

  test("reduces both axes alike for a model that keeps the aspect ratio", async () => {
    const input = { width: 14, height: 14, resize: { shorterSide: 16, centreCrop: true as const } };
    const photo = await decodePhoto(await blank(640, 130).png().toBuffer(), { input });
    expect([photo.width, photo.height]).toEqual([160, 33]);
  });

  test.each([
    { what: "wide", width: 20_000, height: 20, orientation: 1 },
    { what: "tall", width: 20, height: 20_000, orientation: 1 },
    { what: "wide, stored as tall", width: 20, height: 20_000, orientation: 6 },
  ])("decodes of a photo that is thin and $what only what the centre crop needs", async (stored) => {
    const { width, height, orientation } = stored;
    const file = await striped(width, height).withMetadata({ orientation }).png().toBuffer();
    const { data, info } = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });

    const photo = await decodePhoto(file, { input: cropping(16) });

    expect(photo).toMatchObject({ photoWidth: info.width, photoHeight: info.height });
    expect(photo.partOf).toMatchObject({ width: info.width, height: info.height });
    expect(Math.min(photo.width, photo.height)).toBe(20);
    expect(Math.max(photo.width, photo.height)).toBeLessThan(30);
    expect(photo.pixels).toEqual(cut(data, info.width, photo));
  });

  test("decodes of a reduced photo that is still far too long only what the centre crop needs", async () => {
    const file = await striped(40_000, 130).png().toBuffer();
    const reduced = await sharp(file).resize({ width: 10_000, height: 33, fit: "fill" }).raw().toBuffer();

    const photo = await decodePhoto(file, { input: cropping(16) });

    expect(photo.partOf).toMatchObject({ width: 10_000, height: 33, top: 0 });
    expect(photo.height).toBe(33);
    expect(photo.pixels).toEqual(cut(reduced, 10_000, photo));
  });

  test("bounds both sides of what it gives for every aspect ratio", async () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 4000, max: 65_535 }));
    const input = fc.constantFrom(square(16), cropping(16));
    await fc.assert(
      fc.asyncProperty(side, side, input, async (width, height, input) => {
        fc.pre(width * height <= pixelsMax);
        const photo = await decodePhoto(await blank(width, height).png().toBuffer(), { input });
        expect(Math.max(photo.width, photo.height)).toBeLessThanOrEqual(4096);
        expect(photo.pixels).toHaveLength(3 * photo.width * photo.height);
      }),
      propertyRuns(30),
    );
  });

  test("refuses a side that no photo has", async () => {
    const longest = await blank(65_535, 1).png().toBuffer();
    const longer = await blank(1, 65_536).png().toBuffer();
    await expect(decodePhoto(longest, { input: small })).resolves.toMatchObject({ photoWidth: 65_535 });
    await expect(decodePhoto(longer, { input: small })).rejects.toMatchObject({
      code: "pixel-limit",
      message: expect.stringContaining("1 x 65536"),
    });
  });

  test("decodes a photo of few pixels alike from a small file and from a large one", async () => {
    const small = await striped(60, 40).jpeg().toBuffer();
    // What follows a JPEG's end is no part of it.
    const large = Buffer.concat([small, Buffer.alloc(100_000)]);
    const options = { input: square(100) };
    expect(await decodePhoto(small, options)).toEqual(await decodePhoto(large, options));
  });

  test("gives pixels whose buffer can be transferred", async () => {
    const { pixels } = await decodePhoto(await blank(5, 5).png().toBuffer(), { input: small });
    const moved = structuredClone(pixels, { transfer: [pixels.buffer as ArrayBuffer] });
    expect([moved.length, pixels.length]).toEqual([75, 0]);
  });

  test("takes a photo of exactly as many pixels as allowed and refuses one more", async () => {
    const png = await blank(10, 10).png().toBuffer();
    await expect(
      decodePhoto(png, { input: small, limits: { ...DEFAULT_PHOTO_LIMITS, pixelsMax: 100 } }),
    ).resolves.toMatchObject({ width: 10 });
    await expect(
      decodePhoto(png, { input: small, limits: { ...DEFAULT_PHOTO_LIMITS, pixelsMax: 99 } }),
    ).rejects.toMatchObject({
      code: "pixel-limit",
      message: expect.stringContaining("10 x 10"),
    });
  });

  test("calls every cut of a JPEG or PNG corrupt, down to its first bytes", async () => {
    const noise = Uint8Array.from({ length: 3 * 40 * 40 }, (_, index) => (index * 7919) % 251);
    const jpeg = await raw(noise, 40, 40, 3).jpeg().toBuffer();
    const png = await raw(noise, 40, 40, 3).png().toBuffer();
    // Without only its final chunk of 12 bytes a PNG still has every pixel, so cuts there may decode.
    const cut = fc.oneof(
      fc.integer({ min: 3, max: jpeg.length - 3 }).map((end) => jpeg.subarray(0, end)),
      fc.integer({ min: 8, max: png.length - 20 }).map((end) => png.subarray(0, end)),
    );
    await fc.assert(
      fc.asyncProperty(cut, async (bytes) => {
        await expect(decodePhoto(bytes, { input: small })).rejects.toMatchObject({ code: "corrupt-image" });
      }),
    );
  });

  test.each([
    { what: "nothing", bytes: Buffer.alloc(0), code: "corrupt-image" },
    { what: "text", bytes: Buffer.from("not a photo"), code: "unsupported-format" },
    { what: "an SVG", bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), code: "unsupported-format" },
  ])("refuses $what as $code", async ({ bytes, code }) => {
    await expect(decodePhoto(bytes, { input: small })).rejects.toMatchObject({ code });
  });
});

/** Where a PNG's chunk begins and ends. */
function chunkOf(png: Buffer, type: string): [start: number, end: number] {
  const start = png.indexOf(type, 8, "latin1") - 4;
  return [start, start + 12 + png.readUInt32BE(start)];
}

/** A TIFF of one strip with another offset of it. */
function withStripAt(tiff: Buffer, offset: number): Buffer {
  const moved = Buffer.from(tiff);
  const directory = moved.readUInt32LE(4);
  for (let at = directory + 2; at < directory + 2 + 12 * moved.readUInt16LE(directory); at += 12) {
    const isInline = moved.readUInt32LE(at + 4) === 1;
    if (moved.readUInt16LE(at) === 273) moved.writeUInt32LE(offset, isInline ? at + 8 : moved.readUInt32LE(at + 8));
  }
  return moved;
}

function square(side: number): InputGeometry {
  return { width: side, height: side, resize: "stretch" };
}

function cropping(side: number): InputGeometry {
  return { width: side, height: side, resize: { shorterSide: side, centreCrop: true } };
}

function raw(pixels: Uint8Array, width: number, height: number, channels: 1 | 2 | 3 | 4) {
  return sharp(pixels, { raw: { width, height, channels } });
}

/** Every column and every row differs from its neighbours. */
function striped(width: number, height: number) {
  const pixels = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    pixels[3 * pixel] = (pixel % width) * 37;
    pixels[3 * pixel + 1] = Math.floor(pixel / width) * 37;
    pixels[3 * pixel + 2] = pixel * 37;
  }
  return raw(pixels, width, height, 3);
}

/** The bytes of a decoded photo's part in those of the whole. */
function cut(whole: Uint8Array, wholeWidth: number, { width, height, partOf }: DecodedPhoto): Uint8Array {
  const rows = Array.from({ length: height }, (_, row) => {
    const start = 3 * ((partOf!.top + row) * wholeWidth + partOf!.left);
    return whole.subarray(start, start + 3 * width);
  });
  return new Uint8Array(Buffer.concat(rows));
}

function blank(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: "white" } });
}

function expectReduced(decoded: number, stored: number, target: number): void {
  if (stored < 4 * target) expect(decoded).toBe(stored);
  else expect(decoded).toBeGreaterThanOrEqual(2 * target);
  expect(decoded).toBeLessThanOrEqual(4 * target);
}

describe("colours", () => {
  const p3 = () =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 230, g: 60, b: 40 } } }).withIccProfile("p3");
  const asStored = { ...square(8), colour: "as-stored" as const };

  test.each(["jpeg", "png", "tiff", "webp"] as const)(
    "of a %s are converted by its profile, or taken as stored",
    async (format) => {
      const bytes = await p3().toFormat(format, { quality: 100 }).toBuffer();
      const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
      expect([...(await decodePhoto(bytes, { input: asStored })).pixels.subarray(0, 3)]).toEqual([
        ...stored.subarray(0, 3),
      ]);
      const [red, green, blue] = (await decodePhoto(bytes, { input: square(8) })).pixels;
      expect(Math.abs(red! - 230) + Math.abs(green! - 60) + Math.abs(blue! - 40)).toBeLessThanOrEqual(8);
    },
  );

  test("of 16 bits with a profile come out as those of 8 bits", async () => {
    const eight = await p3().png().toBuffer();
    const sixteen = await sharp(eight, { ignoreIcc: true }).toColourspace("rgb16").keepIccProfile().png().toBuffer();
    const [from8, from16] = [
      await decodePhoto(eight, { input: square(8) }),
      await decodePhoto(sixteen, { input: square(8) }),
    ];
    for (const channel of [0, 1, 2]) {
      expect(Math.abs(from8.pixels[channel]! - from16.pixels[channel]!)).toBeLessThanOrEqual(2);
    }
  });

  const half = (channels: 3 | 4) => {
    const pixels = Array.from({ length: 64 * 64 }, () => [230, 60, 40, 0].slice(0, channels)).flat();
    return sharp(Uint8Array.from(pixels), { raw: { width: 64, height: 64, channels } });
  };

  test("of 16 bits with profile and alpha come out alike whether the photo is reduced or not", async () => {
    const deep = await half(4).toColourspace("rgb16").withIccProfile("p3").png().toBuffer();
    const [whole, reduced] = [
      await decodePhoto(deep, { input: square(64) }),
      await decodePhoto(deep, { input: square(8) }),
    ];
    expect([whole.width, reduced.width]).toEqual([64, 16]);
    for (const channel of [0, 1, 2]) {
      expect(Math.abs(whole.pixels[channel]! - reduced.pixels[channel]!)).toBeLessThanOrEqual(1);
    }
  });

  test("of 16 bits with a profile that libpng drops are taken as sRGB", async () => {
    const deep = await half(3).toColourspace("rgb16").withIccProfile("p3").png().toBuffer();
    const [start, end] = chunkOf(deep, "iCCP");
    const broken = pngChunk("iCCP", Buffer.concat([Buffer.from("x\0\0"), deflateSync(Buffer.alloc(200))]));
    const photo = Buffer.concat([deep.subarray(0, start), broken, deep.subarray(end)]);
    const stored = await sharp(photo, { ignoreIcc: true }).toColourspace("srgb").raw().toBuffer();
    const { pixels } = await decodePhoto(photo, { input: square(64) });
    expect([...pixels.subarray(0, 3)]).toEqual([...stored.subarray(0, 3)]);
  });

  test("of a PNG follow its code points before its profile", async () => {
    const png = await half(3).png().toBuffer();
    const profiled = await half(3).withIccProfile("p3").png().toBuffer();
    const behindHeader = (file: Buffer, chunk: Buffer) =>
      Buffer.concat([file.subarray(0, 33), chunk, file.subarray(33)]);
    const p3 = pngChunk("cICP", Buffer.of(12, 13, 0, 1));
    const open = pngChunk("cICP", Buffer.of(2, 2, 0, 1));
    const pixelOf = async (file: Buffer) => [...(await decodePhoto(file, { input: square(64) })).pixels.subarray(0, 3)];
    const stored = await sharp(profiled, { ignoreIcc: true }).png({}).toBuffer();
    expect(await pixelOf(behindHeader(profiled, pngChunk("cICP", Buffer.of(1, 13, 0, 1))))).toEqual(
      await pixelOf(stored),
    );
    expect(await pixelOf(behindHeader(png, p3))).not.toEqual(await pixelOf(png));
    expect(await pixelOf(behindHeader(profiled, open))).toEqual(await pixelOf(profiled));
  });

  test("of a BMP are converted by the profile that a header of version 5 names", async () => {
    const profile = (await sharp(await p3().png().toBuffer()).metadata()).icc!;
    const bmp = Buffer.alloc(138 + 4);
    bmp.write("BM", "latin1");
    bmp.writeUInt32LE(138, 10);
    bmp.writeUInt32LE(124, 14);
    bmp.writeInt32LE(1, 18);
    bmp.writeInt32LE(1, 22);
    bmp.writeUInt16LE(24, 28);
    bmp.writeUInt32LE(0x4d424544, 70);
    bmp.writeUInt32LE(128, 126);
    bmp.writeUInt32LE(profile.length, 130);
    bmp.set([40, 60, 230], 138);
    const photo = Buffer.concat([bmp, profile]);
    const png = await raw(Uint8Array.of(230, 60, 40), 1, 1, 3)
      .png()
      .toBuffer();
    const assigned = insertProfile(png, profile);
    expect((await decodePhoto(photo, { input: square(8) })).pixels).toEqual(
      (await decodePhoto(assigned, { input: square(8) })).pixels,
    );
    expect([...(await decodePhoto(photo, { input: asStored })).pixels]).toEqual([230, 60, 40]);
    expect([...(await decodePhoto(photo, { input: square(8) })).pixels]).not.toEqual([230, 60, 40]);
  });
});

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

function insertProfile(png: Buffer, profile: Buffer): Buffer {
  const chunk = pngChunk("iCCP", Buffer.concat([Buffer.from("x\0\0"), deflateSync(profile)]));
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}
