import { latin1, viewOf } from "./bytes.ts";

/** The formats that photos may rest in. */
export type PhotoFormat = "jpeg" | "png" | "webp" | "avif" | "heic" | "tiff" | "gif" | "bmp";

/**
 * Tells a photo's format from its first bytes, whatever its name says; undefined when they begin like none of the
 * formats we read. It is no promise that the rest can be decoded.
 *
 * @param bytes the photo or its beginning; 64 bytes are enough for every file that cameras and phones write.
 */
export function sniffPhotoFormat(bytes: Uint8Array): PhotoFormat | undefined {
  const text = (start: number, end: number) => latin1(bytes, start, end);
  if (text(0, 3) === "\xff\xd8\xff") return "jpeg";
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return "png";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "webp";
  if (TIFF_MAGICS.has(text(0, 4)) && text(8, 10) !== "CR") return "tiff";
  if (text(0, 6) === "GIF87a" || text(0, 6) === "GIF89a") return "gif";
  if (text(4, 8) === "ftyp") return formatOfBrands(fileBrands(bytes));
  if (text(0, 2) === "BM" && isBmp(bytes)) return "bmp";
  return undefined;
}

/**
 * What the bytes are that no photo format begins with, in words for a person: a brand, a format by its magic number, or
 * the bytes themselves.
 */
export function describeUnsupported(bytes: Uint8Array): string {
  const text = (start: number, end: number) => latin1(bytes, start, end);
  if (text(4, 8) === "ftyp") {
    const [major = ""] = fileBrands(bytes);
    return `${CONTAINERS[major] ?? "an ISO media file"} (brand "${printable(major)}")`;
  }
  const known = MAGICS.find(({ at = 0, magic }) => text(at, at + magic.length) === magic);
  if (known) return known.name;
  const beginning = text(0, TEXT_LOOK_BYTES);
  if (/^\s*<(\?xml|svg|!--)/i.test(beginning) && /<svg/i.test(beginning)) return "an SVG drawing";
  if (/^\s*<(!doctype html|html)/i.test(beginning)) return "an HTML page";
  if (/^[\t\n\r\x20-\x7e]+$/.test(beginning)) return `a text, "${beginning.slice(0, 24).trim()}"`;
  return `of no format we know (it begins with the bytes ${Buffer.from(bytes.subarray(0, 8)).toString("hex")})`;
}

const TIFF_MAGICS = new Set(["II*\0", "MM\0*", "II+\0", "MM\0+"]);
const TEXT_LOOK_BYTES = 256;

/** Still images and sequences: AV1 Image File Format 1.2, section 6; ISO/IEC 23008-12, annex B. */
const AVIF_BRANDS = new Set(["avif", "avis"]);
const HEIC_BRANDS = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]);

/** Of the brands that name a codec, the first decides; `mif1` and `msf1` alone don't say what is inside. */
function formatOfBrands(brands: readonly string[]): PhotoFormat | undefined {
  for (const brand of brands) {
    if (AVIF_BRANDS.has(brand)) return "avif";
    if (HEIC_BRANDS.has(brand)) return "heic";
  }
  return undefined;
}

/** A file type box names at most so many brands in the files we read; a longer list is read up to here. */
const BRANDS_MAX = 32;

/** The major brand and the compatible ones of a file type box, ISO/IEC 14496-12, section 4.3. */
function fileBrands(bytes: Uint8Array): string[] {
  if (bytes.byteLength < 12) return [];
  const end = Math.min(viewOf(bytes).getUint32(0), bytes.byteLength, 16 + 4 * BRANDS_MAX);
  const compatible = Array.from({ length: Math.max(0, Math.floor((end - 16) / 4)) }, (_, index) => 16 + 4 * index);
  return [8, ...compatible].map((start) => latin1(bytes, start, start + 4));
}

/** Two letters are little to go by: a header of a known length must follow. */
function isBmp(bytes: Uint8Array): boolean {
  return bytes.byteLength >= 18 && BMP_HEADER_BYTES.has(viewOf(bytes).getUint32(14, true));
}

const BMP_HEADER_BYTES = new Set([12, 40, 52, 56, 64, 108, 124]);

const CONTAINERS: Readonly<Record<string, string>> = {
  "crx ": "a Canon raw file (CR3)",
  "jxl ": "a JPEG XL photo",
  "jp2 ": "a JPEG 2000 photo",
  "jpx ": "a JPEG 2000 photo",
  "qt  ": "a QuickTime video",
  mif1: "a HEIF photo of another codec than HEVC or AV1",
  msf1: "a HEIF sequence of another codec than HEVC or AV1",
  isom: "a video",
  iso2: "a video",
  mp41: "a video",
  mp42: "a video",
  "M4V ": "a video",
  "3gp4": "a video",
  "3gp5": "a video",
};

const MAGICS: readonly { readonly at?: number; readonly magic: string; readonly name: string }[] = [
  { magic: "\xff\x0a", name: "a JPEG XL photo" },
  { magic: "\0\0\0\x0cJXL \r\n\x87\n", name: "a JPEG XL photo" },
  { magic: "\0\0\0\x0cjP  \r\n\x87\n", name: "a JPEG 2000 photo" },
  { magic: "\xff\x4f\xff\x51", name: "a JPEG 2000 photo" },
  { at: 8, magic: "CR\x02", name: "a Canon raw file (CR2)" },
  { magic: "FUJIFILMCCD-RAW", name: "a Fujifilm raw file (RAF)" },
  { magic: "IIRO", name: "an Olympus raw file (ORF)" },
  { magic: "IIRS", name: "an Olympus raw file (ORF)" },
  { magic: "MMOR", name: "an Olympus raw file (ORF)" },
  { magic: "IIU\0", name: "a Panasonic raw file (RW2)" },
  { magic: "FOVb", name: "a Sigma raw file (X3F)" },
  { magic: "\0MRM", name: "a Minolta raw file (MRW)" },
  { magic: "8BPS", name: "a Photoshop file (PSD)" },
  { magic: "%PDF", name: "a PDF document" },
  { magic: "%!PS", name: "a PostScript file" },
  { magic: "\0\0\x01\0", name: "an icon (ICO)" },
  { magic: "qoif", name: "a QOI picture" },
  { magic: "#?RADIANCE", name: "a Radiance HDR picture" },
  { magic: "v/1\x01", name: "an OpenEXR picture" },
  { magic: "PK\x03\x04", name: "a ZIP archive" },
  { magic: "\x1f\x8b", name: "a gzip file" },
  { magic: "\x1aE\xdf\xa3", name: "a Matroska or WebM video" },
  { at: 8, magic: "AVI ", name: "an AVI video" },
  { at: 8, magic: "WAVE", name: "a sound (WAV)" },
  { magic: "ID3", name: "a sound (MP3)" },
  { magic: "BM", name: "a BMP picture with a header of unknown length" },
];

/** Text of a stranger in our own sentence: no control characters. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
