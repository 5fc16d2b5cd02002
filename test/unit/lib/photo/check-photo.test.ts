import sharp from "sharp";
import { expect, test } from "vitest";
import { checkPhoto, DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";

const blank = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background: { r: 90, g: 120, b: 30, alpha: 1 } } });
const MIB = 1_048_576;

test("a refusal names what the photo is, what it would take and the setting", async () => {
  const interlaced = await blank(600, 600, 4).png({ progressive: true }).toBuffer();
  const limits = { ...DEFAULT_PHOTO_LIMITS, decodeBytesMax: 9 * MIB };
  expect(() => checkPhoto(interlaced, limits)).toThrow(
    /600 x 600 pixels as interlaced PNG with alpha, .* 10 MiB of memory, more than FEATURIZER_DECODE_BYTES_MAX allows, 9 MiB/,
  );
});

test("the limit follows cost, not pixels", async () => {
  const limits = { ...DEFAULT_PHOTO_LIMITS, decodeBytesMax: 10 * MIB };
  const baseline = await blank(3_000, 3_000).jpeg().toBuffer();
  const progressive = await blank(3_000, 3_000).jpeg({ progressive: true }).toBuffer();
  expect(checkPhoto(baseline, limits).decodeBytes).toBeLessThan(limits.decodeBytesMax);
  expect(() => checkPhoto(progressive, limits)).toThrow(/progressive JPEG/);
});

test("scans are counted before anything is decoded", async () => {
  const progressive = await blank(64, 64).jpeg({ progressive: true }).toBuffer();
  const { header } = checkPhoto(progressive);
  expect(header.scans).toBeGreaterThan(2);
  const limits = { ...DEFAULT_PHOTO_LIMITS, scansMax: header.scans - 1 };
  expect(() => checkPhoto(progressive, limits)).toThrow(
    `a JPEG of ${header.scans} scans, more than FEATURIZER_JPEG_SCANS_MAX allows, ${header.scans - 1}`,
  );
});

test("no comment hides the scans behind it, and none that stands in one counts", async () => {
  const progressive = await blank(64, 64).jpeg({ progressive: true }).toBuffer();
  const secondScan = progressive.indexOf("ffda", progressive.indexOf("ffda", 0, "hex") + 2, "hex");
  const comment = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe, 0, 4]), Buffer.from(text, "hex")]);
  const { scans } = checkPhoto(progressive).header;
  for (const marker of ["ffd9", "ffda", "ff00"]) {
    const [start, rest] = [progressive.subarray(0, secondScan), progressive.subarray(secondScan)];
    const photo = Buffer.concat([start, comment(marker), rest]);
    expect(checkPhoto(photo).header).toMatchObject({ scans, isCut: false });
  }
});

test("of bytes that are full of markers, the scans among them are counted too", async () => {
  const [head, , ...rest] = splitAtScans(await blank(64, 64).jpeg({ progressive: true }).toBuffer());
  const stuffing = Buffer.alloc(400_000, Buffer.from([0xff, 0]));
  const photo = Buffer.concat([head!, Buffer.from([0xff, 0xda, 0, 2]), stuffing, ...rest]);
  expect(checkPhoto(photo).header.scans).toBe(1 + rest.length);
});

function splitAtScans(jpeg: Buffer): Buffer[] {
  const starts = [0];
  for (let at = jpeg.indexOf("ffda", 0, "hex"); at >= 0; at = jpeg.indexOf("ffda", at + 2, "hex")) starts.push(at);
  return starts.map((start, index) => jpeg.subarray(start, starts[index + 1]));
}

test.each([
  ["a JPEG XL photo", "\xff\x0a\xd8\x1a"],
  ["a JPEG 2000 photo", "\0\0\0\x0cjP  \r\n\x87\n"],
  ['a Canon raw file (CR3) (brand "crx ")', "\0\0\0\x18ftypcrx \0\0\0\x01crx isom"],
  ['a video (brand "isom")', "\0\0\0\x18ftypisom\0\0\x02\0isomiso2"],
  ["a Canon raw file (CR2)", "II*\0\x10\0\0\0CR\x02\0"],
  ["a Fujifilm raw file (RAF)", "FUJIFILMCCD-RAW 0201"],
  ["an SVG drawing", '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
  ["an HTML page", "<!DOCTYPE html><html>"],
  ["a PDF document", "%PDF-1.7"],
  ['a text, "hello"', "hello"],
  ["of no format we know (it begins with the bytes 0001020304050607)", "\0\x01\x02\x03\x04\x05\x06\x07\x08"],
])("unsupported files are named: %s", (name, bytes) => {
  expect(() => checkPhoto(Buffer.from(bytes, "latin1"))).toThrow(`the photo is ${name}; store it as JPEG`);
});

test.each(["jpeg", "png", "webp", "gif", "tiff", "avif"] as const)(
  "a %s that breaks off within its header is corrupt, wherever it does",
  async (format) => {
    const whole = await blank(8, 8).toFormat(format).toBuffer();
    for (let length = 12; length < Math.min(whole.length, 120); length += 1) {
      const cut = whole.subarray(0, length);
      try {
        expect(checkPhoto(cut).size).toEqual({ width: 8, height: 8 });
      } catch (error) {
        expect(error).toMatchObject({ code: "corrupt-image" });
      }
    }
  },
);
