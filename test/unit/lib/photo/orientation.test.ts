import sharp from "sharp";
import { expect, test } from "vitest";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { readPhotoHeader } from "#lib/photo/header/read-photo-header.ts";
import { readTurn } from "#lib/photo/orientation.ts";

const WIDTH = 40;
const HEIGHT = 24;
const input = { width: 32, height: 32, resize: "stretch" as const };
/** Four corners of four colours: every turn and mirror of it is another picture. */
const pixels = Buffer.from(
  Array.from({ length: WIDTH * HEIGHT }, (_, index) => {
    const [left, top] = [index % WIDTH < WIDTH / 2, Math.floor(index / WIDTH) < HEIGHT / 2];
    return top ? (left ? [250, 10, 10] : [10, 250, 10]) : left ? [10, 10, 250] : [240, 240, 240];
  }).flat(),
);
const picture = () => sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

function withXmp(jpeg: Buffer, description: string): Buffer {
  const packet = `http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>${description}</rdf:RDF></x:xmpmeta>`;
  const segment = Buffer.alloc(4);
  segment.writeUInt16BE(0xffe1, 0);
  segment.writeUInt16BE(packet.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), segment, Buffer.from(packet, "latin1"), jpeg.subarray(2)]);
}

const turnOf = (bytes: Uint8Array) => readTurn(readPhotoHeader(bytes, sniffPhotoFormat(bytes)!)!);

test.each([1, 2, 3, 4, 5, 6, 7, 8])("XMP's orientation %i turns a photo as EXIF's does", async (orientation) => {
  const plain = await picture().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer();
  const byExif = await sharp(plain)
    .withMetadata({ orientation })
    .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
    .toBuffer();
  const byXmp = withXmp(plain, `<rdf:Description tiff:Orientation="${orientation}"/>`);
  expect(turnOf(byExif)).toEqual({ orientation, by: "libvips" });
  expect(turnOf(byXmp)).toEqual({ orientation, by: "us" });

  const [expected, turned] = [await decodePhoto(byExif, { input }), await decodePhoto(byXmp, { input })];
  expect(turned).toMatchObject({ photoWidth: expected.photoWidth, photoHeight: expected.photoHeight });
  const differences = turned.pixels.map((value, index) => Math.abs(value - expected.pixels[index]!));
  expect(Math.max(...differences)).toBeLessThan(32);
});

test("photos that XMP turns are reduced and cut like others", async () => {
  const large = await picture().resize(800, 480, { kernel: "nearest" }).jpeg({ quality: 95 }).toBuffer();
  const byXmp = withXmp(large, `<rdf:Description><tiff:Orientation>6</tiff:Orientation></rdf:Description>`);
  const photo = await decodePhoto(byXmp, { input });
  expect(photo).toMatchObject({ photoWidth: 480, photoHeight: 800, width: 120, height: 100 });
  // Turned by a quarter clockwise, the lower left corner comes to the upper left.
  expect([...photo.pixels.subarray(0, 3)].map((value) => value > 128)).toEqual([false, false, true]);
});

test("EXIF comes first, and values that EXIF does not have count as none", async () => {
  const plain = await picture().jpeg().withMetadata({ orientation: 3 }).toBuffer();
  expect(turnOf(withXmp(plain, `<rdf:Description tiff:Orientation="6"/>`))).toEqual({ orientation: 3, by: "libvips" });
  const without = await picture().jpeg().toBuffer();
  expect(turnOf(withXmp(without, `<rdf:Description tiff:Orientation="9"/>`))).toEqual({
    orientation: 1,
    by: "nobody",
  });
});
