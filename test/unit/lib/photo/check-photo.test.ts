import sharp from "sharp";
import { expect, test, vi } from "vitest";
import { checkPhoto, DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import { GREY, greyWith, PIXELS_AT, tinyTiff } from "./tiny-tiff.ts";

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

test("of bytes that are full of markers, the scans among them are counted where nobody waits", async () => {
  const [head, , ...rest] = splitAtScans(await blank(64, 64).jpeg({ progressive: true }).toBuffer());
  const photoWith = (markers: number) =>
    Buffer.concat([head!, Buffer.from([0xff, 0xda, 0, 2]), Buffer.alloc(2 * markers, Buffer.from([0xff, 0])), ...rest]);
  const scans = 1 + rest.length;
  expect(checkPhoto(photoWith(200_000)).header).toMatchObject({ scans, hasAllScans: true });
  expect(checkPhoto(photoWith(300_000)).header).toMatchObject({ scans: 1, hasAllScans: false });
  expect(checkPhoto(photoWith(300_000), DEFAULT_PHOTO_LIMITS, false).header).toMatchObject({
    scans,
    hasAllScans: true,
  });
});

test.each([
  ["fill bytes", [0xff]],
  ["stuffed bytes", [0xff, 0]],
  ["segments of no bytes", [0xff, 0xe0, 0, 2]],
])("a hurried look at %s without end ends after as many searches as a photo takes", (_, filling) => {
  const head = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xff, 0xda, 0, 2];
  const photo = Buffer.concat([Buffer.from(head), Buffer.alloc(4_000_000, Buffer.from(filling))]);
  const search = vi.spyOn(Buffer.prototype, "indexOf");
  expect(checkPhoto(photo).header.hasAllScans).toBe(false);
  expect(search.mock.calls.length).toBeLessThan(300_000);
  search.mockRestore();
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
  ['a video (brand "iso6")', "\0\0\0\x10ftypiso6\0\0\0\0"],
  ['a sound (M4A) (brand "M4A ")', "\0\0\0\x10ftypM4A \0\0\0\0"],
  ['a HEIF photo of another codec than HEVC or AV1 (brand "avci")', "\0\0\0\x10ftypavci\0\0\0\0"],
  ["a QuickTime video", "\0\0\0\x08wide\0\0\x10\0mdat"],
  ["a PNG as Xcode rewrites them for iPhones (CgBI)", "\x89PNG\r\n\x1a\n\0\0\0\x04CgBI"],
  ["a JPEG XR photo", "II\xbc\x01\x20\0\0\0"],
  ["a Canon raw file (CRW)", "II\x1a\0\0\0HEAPCCDR"],
  ["a file of attributes that a Mac keeps beside the photo (AppleDouble)", "\0\x05\x16\x07\0\x02\0\0Mac OS X"],
  ["a PNM picture (PBM, PGM, PPM or PAM)", "P6\n1 1\n255\nabc"],
  ["a DICOM file", `${"\0".repeat(128)}DICM`],
  ["a Canon raw file (CR2)", "II*\0\x10\0\0\0CR\x02\0"],
  ["a Fujifilm raw file (RAF)", "FUJIFILMCCD-RAW 0201"],
  ["an SVG drawing", '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
  ["an SVG drawing", `<?xml version="1.0"?>\n<!-- ${"made by a program ".repeat(40)} -->\n<svg width="9"/>`],
  ["an SVG drawing", '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd"><svg:svg xmlns:svg="x"/>'],
  ["an SVG drawing", '\xef\xbb\xbf<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ["an SVG drawing", `\xff\xfe${Buffer.from('<?xml version="1.0"?><svg/>', "utf16le").toString("latin1")}`],
  ["an HTML page", "<!DOCTYPE html><html>"],
  ["a PDF document", "%PDF-1.7"],
  ['a text, "hello"', "hello"],
  ['a text, "two lines of a letter"', "two\nlines of a letter"],
  [
    "a pointer of Git LFS instead of the file (`git lfs pull` fetches it)",
    "version https://git-lfs.github.com/spec/v1\n",
  ],
  ["of no format we know (it begins with 64 bytes of zeros, as files do that were never filled)", "\0".repeat(99)],
  ["of no format we know (it begins with the bytes 0001020304050607)", "\0\x01\x02\x03\x04\x05\x06\x07\x08"],
])("unsupported files are named: %s", (name, bytes) => {
  expect(() => checkPhoto(Buffer.from(bytes, "latin1"))).toThrow(`the photo is ${name}; store it as JPEG`);
});

test("text that is not ASCII is text too", () => {
  expect(() => checkPhoto(Buffer.from("Größe: 3"))).toThrow('the photo is a text, "Größe: 3"');
});

test("a grey TIFF is taken, in any depth that libvips unpacks", () => {
  expect(checkPhoto(tinyTiff(GREY)).size).toEqual({ width: 8, height: 8 });
  for (const bits of [1, 2, 4, 16]) expect(checkPhoto(tinyTiff(greyWith([258, bits]))).header.bitsPerSample).toBe(bits);
  expect(checkPhoto(tinyTiff(greyWith([254, 1]))).header.unreadable).toBeUndefined();
});

test.each([
  ["with Zstandard compression", tinyTiff(greyWith([259, 50_000]))],
  ["with JPEG XL compression", tinyTiff(greyWith([259, 50_002]))],
  ["with unknown (4711) compression", tinyTiff(greyWith([259, 4_711]))],
  ["in CIELAB colours", tinyTiff(greyWith([262, 8]))],
  ["of floating-point numbers", tinyTiff(greyWith([258, 32], [339, 3]))],
  ["of signed or complex numbers", tinyTiff(greyWith([258, 16], [339, 2]))],
  ["of 32 bits a sample", tinyTiff(greyWith([258, 32]))],
  ["of 12 bits a sample", tinyTiff(greyWith([258, 12]))],
  ["of 4 bits a sample", tinyTiff(greyWith([258, 4], [262, 2], [277, 3]))],
  ["with planes in tiles", tinyTiff(greyWith([262, 2], [277, 3], [284, 2], [322, 16], [323, 16]))],
  ["whose first picture is a thumbnail", tinyTiff(greyWith([254, 1]), greyWith([256, 80], [257, 80]))],
])("a TIFF %s is refused by name, since it would become another picture or none", (name, bytes) => {
  expect(() => checkPhoto(bytes)).toThrow(`the photo is a TIFF ${name}`);
});

test("a TIFF whose tiles are not all there is refused, since libvips leaves them black", () => {
  const tiles = (length: number) => tinyTiff(greyWith([322, 16], [323, 16], [324, PIXELS_AT], [325, length]));
  expect(checkPhoto(tiles(64)).header.isCut).toBe(false);
  expect(() => checkPhoto(tiles(100_000))).toThrow("the file ends too early");
});

test.each([
  ["a JPEG of 12 bits a sample; store it with 8", 0xc1, 12],
  ["a JPEG-LS photo; store it as JPEG", 0xf7, 8],
])("%s: refused by name", (name, marker, bits) => {
  const frame = [0xff, 0xd8, 0xff, marker, 0, 11, bits, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xff, 0xda, 0, 2, 0xff, 0xd9];
  expect(() => checkPhoto(Buffer.from(frame))).toThrow(`the photo is ${name}`);
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
