import { expect, test } from "vitest";
import { decodeBmp } from "#lib/photo/bmp-pixels.ts";

/** A BMP with a BITMAPINFOHEADER; a palette or masks stand before the pixels. */
function bmp(options: {
  width: number;
  height: number;
  depth: number;
  compression?: number;
  before?: number[];
  data: number[];
}) {
  const { width, height, depth, compression = 0, before = [], data } = options;
  const file = Buffer.alloc(54 + before.length + data.length);
  file.write("BM", 0, "latin1");
  file.writeUInt32LE(54 + before.length, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(depth, 28);
  file.writeUInt32LE(compression, 30);
  file.set([...before, ...data], 54);
  return file;
}

const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const BLACK = [0, 0, 0];
/** Black, red, green, blue, as blue, green, red and an empty byte. */
const PALETTE = [0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0];
const pixelsOf = (file: Uint8Array) => [...decodeBmp(file).samples];

test("rows go up, or down where the height is negative", () => {
  const data = [0, 0, 255, 0, 0, 255, 0, 0];
  expect(pixelsOf(bmp({ width: 1, height: 2, depth: 24, data }))).toEqual([...GREEN, ...RED]);
  expect(pixelsOf(bmp({ width: 1, height: -2, depth: 24, data }))).toEqual([...RED, ...GREEN]);
});

test.each([
  { depth: 1, data: [0b0101_0000, 0, 0, 0], expected: [...BLACK, ...RED, ...BLACK, ...RED] },
  { depth: 4, data: [0x01, 0x23, 0, 0], expected: [...BLACK, ...RED, ...GREEN, ...BLUE] },
  { depth: 8, data: [3, 2, 1, 9], expected: [...BLUE, ...GREEN, ...RED, ...BLACK] },
])("palettes of $depth bits; an index beyond is black", ({ depth, data, expected }) => {
  expect(pixelsOf(bmp({ width: 4, height: 1, depth, before: PALETTE, data }))).toEqual(expected);
});

test("16 bits, by default 5 each, or by masks; 32 bits without their alpha", () => {
  const sixteen = [0x00, 0x7c, 0xe0, 0x03];
  expect(pixelsOf(bmp({ width: 2, height: 1, depth: 16, data: sixteen }))).toEqual([...RED, ...GREEN]);
  const masks = [0x00, 0xf8, 0, 0, 0xe0, 0x07, 0, 0, 0x1f, 0, 0, 0];
  const masked = bmp({ width: 2, height: 1, depth: 16, compression: 3, before: masks, data: [0x1f, 0, 0xe0, 0x07] });
  expect(pixelsOf(masked)).toEqual([...BLUE, ...GREEN]);
  expect(pixelsOf(bmp({ width: 1, height: 1, depth: 32, data: [255, 0, 0, 7] }))).toEqual(BLUE);
});

test("RLE8: runs, literal runs, ends of lines, moves", () => {
  const data = [2, 1, 0, 0, 0, 3, 2, 3, 1, 0, 0, 2, 1, 0, 1, 3, 0, 1];
  const file = bmp({ width: 4, height: 2, depth: 8, compression: 1, before: PALETTE, data });
  const lower = [...RED, ...RED, ...BLACK, ...BLACK];
  const upper = [...GREEN, ...BLUE, ...RED, ...BLACK];
  expect(pixelsOf(file)).toEqual([...upper, ...lower]);
});

test("RLE4: two colours take turns in a run", () => {
  const data = [3, 0x12, 0, 3, 0x23, 0x10, 0, 1];
  const file = bmp({ width: 6, height: 1, depth: 4, compression: 2, before: PALETTE, data });
  expect(pixelsOf(file)).toEqual([...RED, ...GREEN, ...RED, ...GREEN, ...BLUE, ...RED]);
});

test.each([
  {
    what: "pixels that are missing",
    file: bmp({ width: 100, height: 100, depth: 24, data: [1, 2, 3] }),
    says: /ends too early/,
  },
  {
    what: "runs without an end",
    file: bmp({ width: 9, height: 9, depth: 8, compression: 1, data: [1, 1] }),
    says: /ends too early/,
  },
  { what: "5 bits", file: bmp({ width: 1, height: 1, depth: 5, data: [0, 0, 0, 0] }), says: /5 bits a pixel/ },
  {
    what: "compression 9",
    file: bmp({ width: 1, height: 1, depth: 8, compression: 9, data: [0, 0, 0, 0] }),
    says: /compression 9/,
  },
  {
    what: "a PNG inside",
    file: bmp({ width: 1, height: 1, depth: 24, compression: 5, data: [0, 0, 0, 0] }),
    says: /around a PNG/,
  },
])("$what: refused with the reason", ({ file, says }) => {
  expect(() => decodeBmp(file)).toThrow(says);
});
