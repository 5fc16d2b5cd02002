import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";

describe("sniffPhotoFormat", () => {
  test.each([
    { format: "jpeg", start: "\xff\xd8\xff\xe1" },
    { format: "png", start: "\x89PNG\r\n\x1a\n" },
    { format: "webp", start: "RIFF\x24\0\0\0WEBPVP8 " },
    { format: "avif", start: "\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" },
    { format: "avif", start: "\0\0\0\x1cftypmif1\0\0\0\0miafavifmif1" },
    { format: "tiff", start: "II*\0\x08\0\0\0" },
    { format: "tiff", start: "MM\0*\0\0\0\x08" },
    { format: "gif", start: "GIF87a" },
    { format: "gif", start: "GIF89a" },
    { format: "heic", start: "\0\0\0\x18ftypheic\0\0\0\0mif1heic" },
    { format: "heic", start: "\0\0\0\x18ftypheix\0\0\0\0mif1heix" },
    { format: "heic", start: "\0\0\0\x18ftypmif1\0\0\0\0mif1heic" },
    { format: "avif", start: "\0\0\0\x18ftypavis\0\0\0\0msf1avif" },
    { format: "tiff", start: "II+\0\x08\0\0\0" },
    { format: "bmp", start: "BM\x8a\xc0\0\0\0\0\0\0\x8a\0\0\0\x7c\0\0\0" },
    { format: undefined, start: "II*\0\x10\0\0\0CR\x02\0" },
    { format: undefined, start: "\0\0\0\x10ftypmif1\0\0\0\0avif" },
    { format: undefined, start: "RIFF\x24\0\0\0WAVEfmt " },
    { format: undefined, start: "BM\x36\0\0\0" },
    { format: undefined, start: "<svg xmlns=" },
    { format: undefined, start: "" },
  ])("tells $format from its first bytes ($start)", ({ format, start }) => {
    expect(sniffPhotoFormat(Buffer.from(start, "latin1"))).toBe(format);
  });

  test("gives an answer for any bytes, also where they lie inside a larger buffer", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ maxLength: 40 }).map((rest) => Buffer.concat([Buffer.from("\0\0\0\xffftyp", "latin1"), rest])),
    );
    fc.assert(
      fc.property(bytes, (start) => {
        const framed = Buffer.concat([Buffer.from("RIFF"), start]).subarray(4);
        expect(sniffPhotoFormat(framed)).toBe(sniffPhotoFormat(start));
      }),
    );
  });
});
