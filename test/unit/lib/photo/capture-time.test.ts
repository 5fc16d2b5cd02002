import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { readCaptureTime } from "#lib/photo/capture-time.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { readPhotoHeader } from "#lib/photo/header/read-photo-header.ts";
import { exifBlock } from "./exif-block.ts";

const NOW_MS = Date.UTC(2026, 10, 27);
const read = (photo: Record<number, string>, gps?: Record<number, string | number[]>) =>
  readCaptureTime(exifBlock({ photo, ...(gps && { gps }) }), NOW_MS);
const ORIGINAL = 36_867;
const OFFSET = 36_881;
const SUBSECONDS = 37_521;

test("the camera's clock and its offset name an instant, subseconds included", () => {
  const time = read({ [ORIGINAL]: "2023:07:14 02:15:12", [OFFSET]: "+05:30", [SUBSECONDS]: "25" });
  expect(time).toEqual({ ms: Date.parse("2023-07-13T20:45:12.250Z"), source: "exif" });
  const west = read({ [ORIGINAL]: "2023:07:14 02:15:12", [OFFSET]: "-03:00" });
  expect(west).toEqual({ ms: Date.parse("2023-07-14T05:15:12Z"), source: "exif" });
});

test("without an offset the GPS clock tells it, to a quarter of an hour", () => {
  const gps = { 7: [16, 43, 45], 29: "2023:04:27" };
  const time = read({ [ORIGINAL]: "2023:04:27 19:44:18" }, gps);
  expect(time).toEqual({ ms: Date.parse("2023-04-27T16:44:18Z"), source: "exif-gps" });
});

test("a stale GPS clock tells nothing", () => {
  const gps = { 7: [16, 37, 0], 29: "2023:04:27" };
  expect(read({ [ORIGINAL]: "2023:04:27 19:44:30" }, gps)?.source).toBe("exif-local");
  const anotherDay = { 7: [16, 44, 0], 29: "2023:04:25" };
  expect(read({ [ORIGINAL]: "2023:04:27 19:44:30" }, anotherDay)?.source).toBe("exif-local");
});

test("local time without anything is taken as UTC and says so, in both byte orders", () => {
  for (const isLittle of [true, false]) {
    const block = exifBlock({ photo: { [ORIGINAL]: "2021:12:31 23:59:58" } }, isLittle);
    expect(readCaptureTime(block, NOW_MS)).toEqual({ ms: Date.parse("2021-12-31T23:59:58Z"), source: "exif-local" });
  }
});

test.each([
  "0000:00:00 00:00:00",
  "2099:09:29 10:10:10",
  "1970:01:01 00:00:00",
  "0099:07:14 02:15:12",
  "2023:02:30 10:00:00",
  "2023:13:01 10:00:00",
  "2023:01:01 25:00:00",
  "    :  :     :  :  ",
  "yesterday",
  "",
])("%j names no time", (text) => {
  expect(read({ [ORIGINAL]: text })).toBeUndefined();
});

const timeIn = (bytes: Uint8Array) => readCaptureTime(readPhotoHeader(bytes, sniffPhotoFormat(bytes)!)!.exif, NOW_MS);

test.each(["jpeg", "png", "webp", "avif"] as const)("it is found in the EXIF of a photo in %s", async (format) => {
  const exif = { IFD2: { DateTimeOriginal: "2023:07:14 02:15:12", OffsetTimeOriginal: "+05:30" } };
  const blank = sharp({ create: { width: 16, height: 16, channels: 3, background: "#6a2" } });
  const bytes = await blank.withExif(exif).toFormat(format).toBuffer();
  expect(timeIn(bytes)).toEqual({ ms: Date.parse("2023-07-13T20:45:12Z"), source: "exif" });
});

test("it is found in a TIFF, whose own directories are those of EXIF", () => {
  const tiff = exifBlock({ image: { 256: 16, 257: 16 }, photo: { [ORIGINAL]: "2023:07:14 02:15:12" } });
  expect(timeIn(tiff)).toEqual({ ms: Date.parse("2023-07-14T02:15:12Z"), source: "exif-local" });
});

test("the last edit never counts", () => {
  const edited = exifBlock({ image: { 306: "2023:07:14 02:15:12" }, photo: { [OFFSET]: "+00:00" } });
  expect(readCaptureTime(edited, NOW_MS)).toBeUndefined();
  expect(readCaptureTime(undefined, NOW_MS)).toBeUndefined();
});

test("no bytes make it throw", () => {
  const whole = exifBlock({ photo: { [ORIGINAL]: "2023:07:14 02:15:12" }, gps: { 7: [1, 2, 3], 29: "2023:07:14" } });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
      const damaged = Buffer.from(whole.subarray(0, length));
      if (at < damaged.length) damaged[at] = value;
      readCaptureTime(damaged, NOW_MS);
    }),
    { numRuns: 500 },
  );
});
