import { existsSync, readdirSync, readFileSync } from "node:fs";
import sharp, { type Sharp } from "sharp";
import { drawFruitPicture } from "#demo/photos/fruit-picture.ts";
import { renderPhoto } from "#demo/photos/render-photo.ts";
import { describeUnsupported } from "#lib/photo/header/describe-unsupported.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import type { Random } from "#lib/runtime/random.ts";

export interface CorpusPhoto {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Photos to be mutated, by format, so that each format gets its turn however many files there are of it. */
export class PhotoCorpus {
  readonly photos: readonly CorpusPhoto[];
  readonly #byFormat: readonly (readonly CorpusPhoto[])[];

  constructor(photos: readonly CorpusPhoto[]) {
    this.photos = photos.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    this.#byFormat = [...Map.groupBy(this.photos, ({ bytes }) => formatOf(bytes)).values()];
  }

  /** A photo of any format alike; mostly a small one, since those are tried sooner. */
  pick(random: Random): CorpusPhoto {
    const photos = random.pick(this.#byFormat);
    const [one, other] = [random.pick(photos), random.pick(photos)];
    const [smaller, larger] = one.bytes.length < other.bytes.length ? [one, other] : [other, one];
    return random.chance(0.85) ? smaller : larger;
  }
}

function formatOf(bytes: Uint8Array): string {
  return sniffPhotoFormat(bytes) ?? `none: ${bytes.length === 0 ? "empty" : describeUnsupported(bytes).slice(0, 12)}`;
}

/** The corpus that a checkout has by itself, and the real photos of `../shared` beside it where they are. */
export async function openCorpus(isReal: boolean): Promise<PhotoCorpus> {
  const drawn = await drawnPhotos();
  return new PhotoCorpus(isReal ? [...drawn, ...realPhotos()] : drawn);
}

const SHARED = new URL("../../../shared/", import.meta.url);
export const hasRealPhotos = existsSync(SHARED);
/** Larger ones take seconds each. */
const REAL_BYTES_MAX = 1_500_000;

function realPhotos(): CorpusPhoto[] {
  return ["hard", "odd", "photos"].flatMap((folder) => {
    const files = readdirSync(new URL(`${folder}/`, SHARED), { recursive: true, withFileTypes: true });
    return files
      .filter((entry) => entry.isFile() && !/\.(md|py)$|SHA256SUMS/.test(entry.name))
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .map((path) => ({ name: path.slice(path.lastIndexOf(`/${folder}/`)), bytes: readFileSync(path) }))
      .filter(({ bytes }) => bytes.length <= REAL_BYTES_MAX);
  });
}

/** Every format and coding that can be written here, of one drawn fruit; small, so that a case takes milliseconds. */
async function drawnPhotos(): Promise<CorpusPhoto[]> {
  const fruit = await renderPhoto(drawFruitPicture(1, 0), 64);
  const encoded = await Promise.all(
    Object.entries(CODINGS).map(async ([name, encode]) => ({ name, bytes: await encode(sharp(fruit)).toBuffer() })),
  );
  return [
    { name: "sample.jpg", bytes: fruit },
    { name: "tiny.heic", bytes: Buffer.from(TINY_HEIC, "base64") },
    { name: "handmade.bmp", bytes: await bmp24(fruit) },
    ...encoded,
  ];
}

const CODINGS: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  "plain.jpg": (image) => image.jpeg(),
  "progressive.jpg": (image) => image.jpeg({ progressive: true, chromaSubsampling: "4:4:4" }),
  "grey.jpg": (image) => image.greyscale().jpeg(),
  "cmyk.jpg": (image) => image.toColourspace("cmyk").jpeg(),
  "turned-p3.jpg": (image) => image.withIccProfile("p3").withMetadata({ orientation: 6 }).jpeg(),
  "rgb.png": (image) => image.png(),
  "palette.png": (image) => image.png({ palette: true }),
  "interlaced-alpha.png": (image) => image.ensureAlpha(0.5).png({ progressive: true }),
  "16-bit-p3.png": (image) => image.toColourspace("rgb16").withIccProfile("p3").png(),
  "turned.png": (image) => image.withMetadata({ orientation: 3 }).png(),
  "lossy.webp": (image) => image.webp(),
  "lossy-alpha.webp": (image) => image.ensureAlpha(0.5).webp(),
  "lossless.webp": (image) => image.webp({ lossless: true }),
  "exif.webp": (image) => image.withMetadata({ orientation: 8 }).webp(),
  "palette.gif": (image) => image.gif({ colours: 32 }),
  "transparent.gif": (image) => image.ensureAlpha(0).gif({ colours: 8 }),
  "strips.tif": (image) => image.tiff({ compression: "none" }),
  "lzw.tif": (image) => image.tiff({ compression: "lzw", predictor: "horizontal" }),
  "deflate-tiles.tif": (image) => image.tiff({ compression: "deflate", tile: true, tileWidth: 16, tileHeight: 16 }),
  "jpeg.tif": (image) => image.tiff({ compression: "jpeg" }),
  "big-16-bit.tif": (image) => image.toColourspace("rgb16").tiff({ compression: "none", bigtiff: true }),
  "bilevel.tif": (image) => image.greyscale().tiff({ bitdepth: 1, compression: "packbits" }),
  "8-bit.avif": (image) => image.avif({ effort: 0 }),
  "444-alpha.avif": (image) => image.ensureAlpha(0.5).avif({ effort: 0, chromaSubsampling: "4:4:4" }),
};

/** libvips writes no BMP. */
async function bmp24(photo: Uint8Array): Promise<Uint8Array> {
  const { data, info } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const header = Buffer.alloc(54);
  header.write("BM", "latin1");
  header.writeUInt32LE(54 + data.length, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(info.width, 18);
  header.writeInt32LE(-info.height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, data]);
}

/** 24 x 16 pixels, written by pillow_heif: libvips writes no HEIC. */
const TINY_HEIC =
  "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJp" +
  "bG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAAEwAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAAB" +
  "AAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEA" +
  "AQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAU" +
  "aXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAGAAAAAEAAAAQAAAAAf///9gAAAAC////0AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlw" +
  "bWEAAAAAAAAAAQABBYECAwWEAAAAVG1kYXQAAABIKAGvGSGhSFjvXBu2qxSUXzU1sDGgn5rXKCMAmmYxbKe49rYopiVzk2agunXiqFOa" +
  "8yzGDrhU1pbcEvQgaLQDbNF+aKvgpBWA";
