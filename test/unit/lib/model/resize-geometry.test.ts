import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resizedPhotoSize, resizeGeometry } from "#lib/model/resize-geometry.ts";

const stretched = { width: 224, height: 192, resize: "stretch" as const };
const cropped = { width: 224, height: 224, resize: { shorterSide: 256, centreCrop: true as const } };
const letterboxed = {
  width: 224,
  height: 192,
  resize: { letterbox: true as const, padColour: [0, 0, 0] as [number, number, number] },
};
const side = fc.integer({ min: 1, max: 10_000 });

describe("resizedPhotoSize", () => {
  test("stretching ignores the photo's aspect ratio", () => {
    expect(resizedPhotoSize(stretched, { width: 10, height: 4000 })).toEqual({ width: 224, height: 192 });
  });

  test.each([
    { photo: { width: 1200, height: 800 }, resized: { width: 384, height: 256 } },
    { photo: { width: 800, height: 1200 }, resized: { width: 256, height: 384 } },
    { photo: { width: 301, height: 200 }, resized: { width: 385, height: 256 } },
    { photo: { width: 256, height: 256 }, resized: { width: 256, height: 256 } },
  ])("brings the shorter side of $photo to 256 and rounds the longer one down", ({ photo, resized }) => {
    expect(resizedPhotoSize(cropped, photo)).toEqual(resized);
  });

  // As Pillow 13's ImageOps.contain gives them, but for sides that it makes 0.
  test.each([
    { photo: { width: 300, height: 257 }, resized: { width: 224, height: 192 } },
    { photo: { width: 100, height: 100 }, resized: { width: 192, height: 192 } },
    { photo: { width: 224, height: 191 }, resized: { width: 224, height: 191 } },
    { photo: { width: 449, height: 2 }, resized: { width: 224, height: 1 } },
    { photo: { width: 2, height: 9000 }, resized: { width: 1, height: 192 } },
  ])("brings $photo whole into a letterbox", ({ photo, resized }) => {
    expect(resizedPhotoSize(letterboxed, photo)).toEqual(resized);
  });
});

describe("resizeGeometry", () => {
  test("stretches each axis from the decoded to the model's size", () => {
    expect(resizeGeometry(stretched, { width: 3024, height: 3315 }, { width: 756, height: 829 })).toEqual({
      horizontal: { sourceSize: 756, resizedSize: 224, cropOffset: 0, targetSize: 224, part: { start: 0, size: 756 } },
      vertical: { sourceSize: 829, resizedSize: 192, cropOffset: 0, targetSize: 192, part: { start: 0, size: 829 } },
    });
  });

  test.each([
    { width: 1200, offset: 80, why: "even margin: 384 - 224 = 160" },
    { width: 301 * 4, offset: 80, why: "161 halves to 80.5 and rounds to the even 80" },
    { width: 303 * 4, offset: 82, why: "163 halves to 81.5 and rounds to the even 82" },
  ])("crops the middle as torchvision does, at $offset ($why)", ({ width, offset }) => {
    const { horizontal, vertical } = resizeGeometry(cropped, { width, height: 800 }, { width, height: 800 });
    expect(horizontal).toMatchObject({ sourceSize: width, cropOffset: offset, targetSize: 224 });
    expect(vertical).toMatchObject({ sourceSize: 800, resizedSize: 256, cropOffset: 16, targetSize: 224 });
  });

  test.each([
    { photo: { width: 100, height: 100 }, left: -16, top: 0, why: "32 columns are free" },
    { photo: { width: 224, height: 189 }, left: 0, top: -2, why: "3 free rows halve to 1.5 and round to the even 2" },
    { photo: { width: 224, height: 187 }, left: 0, top: -2, why: "5 free rows halve to 2.5 and round to the even 2" },
  ])("pads $photo evenly: $why", ({ photo, left, top }) => {
    const { horizontal, vertical } = resizeGeometry(letterboxed, photo, photo);
    expect([horizontal.cropOffset + 0, vertical.cropOffset + 0]).toEqual([left, top]);
  });

  test("a letterbox holds the whole photo", () => {
    fc.assert(
      fc.property(side, side, (width, height) => {
        const { horizontal, vertical } = resizeGeometry(letterboxed, { width, height }, { width, height });
        for (const { cropOffset, targetSize, resizedSize } of [horizontal, vertical]) {
          expect(cropOffset).toBeLessThanOrEqual(0);
          expect(resizedSize - cropOffset).toBeLessThanOrEqual(targetSize);
        }
      }),
    );
  });

  test("a crop lies inside the resized photo, whatever the photo's shape", () => {
    fc.assert(
      fc.property(side, side, (width, height) => {
        const { horizontal, vertical } = resizeGeometry(cropped, { width, height }, { width, height });
        for (const { cropOffset, targetSize, resizedSize } of [horizontal, vertical]) {
          expect(cropOffset).toBeGreaterThanOrEqual(0);
          expect(cropOffset + targetSize).toBeLessThanOrEqual(resizedSize);
        }
      }),
    );
  });
});
