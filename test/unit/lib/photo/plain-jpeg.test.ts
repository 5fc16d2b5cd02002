import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { plainJpegSize } from "#lib/photo/plain-jpeg.ts";

describe("plainJpegSize", () => {
  test("reads the size of every plain JPEG", async () => {
    const side = fc.integer({ min: 1, max: 300 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.boolean(), async (width, height, progressive) => {
        const jpeg = await blank(width, height).jpeg({ progressive }).toBuffer();
        expect(plainJpegSize(jpeg)).toEqual({ width, height });
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ["EXIF", () => blank(8, 8).withMetadata({ orientation: 6 }).jpeg()],
    ["a colour profile", () => blank(8, 8).withIccProfile("p3").jpeg()],
    ["CMYK", () => blank(8, 8).toColourspace("cmyk").jpeg()],
    ["another format", () => blank(8, 8).png()],
  ])("has none for %s", async (_, image) => {
    expect(plainJpegSize(await image().toBuffer())).toBeUndefined();
  });

  test("has none for 12 bits a sample, for a frame of no height, and for arithmetic coding", async () => {
    const jpeg = await blank(8, 8).jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    expect(plainJpegSize(changed(jpeg, frame + 4, 12))).toBeUndefined();
    expect(plainJpegSize(changed(jpeg, frame + 6, 0))).toBeUndefined();
    expect(plainJpegSize(changed(jpeg, frame + 1, 0xc9))).toBeUndefined();
  });

  test("ends for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (rest) => {
        plainJpegSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, ...rest));
      }),
    );
  });
});

function blank(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: "orange" } });
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
