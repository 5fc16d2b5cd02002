import { latin1 } from "./bytes.ts";
import { fileBrands } from "./photo-format.ts";

/**
 * What the bytes are that no photo format begins with, in words for a person: a brand, a format by its magic number, or
 * the bytes themselves.
 */
export function describeUnsupported(bytes: Uint8Array): string {
  const text = (start: number, end: number) => latin1(bytes, start, end);
  if (text(4, 8) === "ftyp") {
    const [major = ""] = fileBrands(bytes);
    return `${describeBrand(major)} (brand "${printable(major)}")`;
  }
  const known = MAGICS.find(({ at = 0, magic }) => text(at, at + magic.length) === magic);
  if (known) return known.name;
  if (/^P[1-7]\s/.test(text(0, 3))) return "a PNM picture (PBM, PGM, PPM or PAM)";
  const beginning = bytes.subarray(0, ZEROS_LOOK_BYTES);
  if (beginning.length > 8 && beginning.every((byte) => byte === 0)) {
    return `of no format we know (it begins with ${beginning.length} bytes of zeros, as files do that were never filled)`;
  }
  return describeText(bytes) ?? `of no format we know (it begins with the bytes ${hex(bytes.subarray(0, 8))})`;
}

const ZEROS_LOOK_BYTES = 64;
/** Programs that draw put their licences and entities before the element that tells. */
const TEXT_LOOK_BYTES = 4_096;

function describeText(bytes: Uint8Array): string | undefined {
  const text = decodeText(bytes.subarray(0, TEXT_LOOK_BYTES))?.trimStart();
  if (!text) return undefined;
  if (/^<(\?xml|!doctype svg|([\w-]+:)?svg|!--)/i.test(text) && /<([\w-]+:)?svg[\s/>]/i.test(text)) {
    return "an SVG drawing";
  }
  if (/^<(!doctype html|html)/i.test(text)) return "an HTML page";
  if (text.startsWith("version https://git-lfs")) {
    return "a pointer of Git LFS instead of the file (`git lfs pull` fetches it)";
  }
  return `a text, "${printable(text.slice(0, TEXT_SHOWN_MAX)).trim()}"`;
}

const TEXT_SHOWN_MAX = 24;

/** UTF-8, or UTF-16 where a byte order mark says so; undefined where the bytes are no text. */
function decodeText(bytes: Uint8Array): string | undefined {
  const order = latin1(bytes, 0, 2);
  const encoding = { "\xff\xfe": "utf-16le", "\xfe\xff": "utf-16be" }[order] ?? "utf-8";
  try {
    // The last character may be cut.
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true });
    return /[^\t\n\r\P{Cc}]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Text of a stranger in our own sentence: nothing that ends or hides a line. */
function printable(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/\p{C}/gu, "?");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** By major brand, as https://mp4ra.org registers them. */
function describeBrand(brand: string): string {
  return CONTAINERS[brand] ?? (VIDEO_BRANDS.test(brand) ? "a video" : "an ISO media file");
}

const VIDEO_BRANDS =
  /^(iso[m2-9a-c]|mp4[12]|mp7|avc|hvc1|hev1|av01|M4V|3gp|3gr|3gs|3ge|3gg|3g2|dash|cmf|MSNV|f4v|F4V|XAVC|NDS)/;

const CONTAINERS: Readonly<Record<string, string>> = {
  "crx ": "a Canon raw file (CR3)",
  "jxl ": "a JPEG XL photo",
  "jp2 ": "a JPEG 2000 photo",
  "jpx ": "a JPEG 2000 photo",
  "jpm ": "a JPEG 2000 photo",
  mjp2: "a Motion JPEG 2000 video",
  mj2s: "a Motion JPEG 2000 video",
  "qt  ": "a QuickTime video",
  "M4A ": "a sound (M4A)",
  "M4B ": "a sound (M4B)",
  mif1: "a HEIF photo of another codec than HEVC or AV1",
  msf1: "a HEIF sequence of another codec than HEVC or AV1",
  avci: "a HEIF photo of another codec than HEVC or AV1",
  avcs: "a HEIF sequence of another codec than HEVC or AV1",
  jpeg: "a HEIF photo of another codec than HEVC or AV1",
  jpgs: "a HEIF sequence of another codec than HEVC or AV1",
  j2ki: "a HEIF photo of another codec than HEVC or AV1",
  vvic: "a HEIF photo of another codec than HEVC or AV1",
  evbi: "a HEIF photo of another codec than HEVC or AV1",
};

const MAGICS: readonly { readonly at?: number; readonly magic: string; readonly name: string }[] = [
  { magic: "\xff\x0a", name: "a JPEG XL photo" },
  { magic: "\0\0\0\x0cJXL \r\n\x87\n", name: "a JPEG XL photo" },
  { magic: "\0\0\0\x0cjP  \r\n\x87\n", name: "a JPEG 2000 photo" },
  { magic: "\xff\x4f\xff\x51", name: "a JPEG 2000 photo" },
  { magic: "II\xbc", name: "a JPEG XR photo" },
  { at: 12, magic: "CgBI", name: "a PNG as Xcode rewrites them for iPhones (CgBI)" },
  { at: 8, magic: "CR\x02", name: "a Canon raw file (CR2)" },
  { at: 6, magic: "HEAPCCDR", name: "a Canon raw file (CRW)" },
  { magic: "FUJIFILMCCD-RAW", name: "a Fujifilm raw file (RAF)" },
  { magic: "IIRO", name: "an Olympus raw file (ORF)" },
  { magic: "IIRS", name: "an Olympus raw file (ORF)" },
  { magic: "MMOR", name: "an Olympus raw file (ORF)" },
  { magic: "IIU\0", name: "a Panasonic raw file (RW2)" },
  { magic: "FOVb", name: "a Sigma raw file (X3F)" },
  { magic: "\0MRM", name: "a Minolta raw file (MRW)" },
  { magic: "8BPS", name: "a Photoshop file (PSD)" },
  { magic: "gimp xcf", name: "a GIMP file (XCF)" },
  { magic: "%PDF", name: "a PDF document" },
  { magic: "%!PS", name: "a PostScript file" },
  { magic: "\xc5\xd0\xd3\xc6", name: "a PostScript file (EPS)" },
  { magic: "\0\0\x01\0", name: "an icon (ICO)" },
  { magic: "icns", name: "an icon (ICNS)" },
  { magic: "qoif", name: "a QOI picture" },
  { magic: "BPG\xfb", name: "a BPG picture" },
  { magic: "FLIF", name: "a FLIF picture" },
  { magic: "DDS ", name: "a DirectDraw surface (DDS)" },
  { magic: "\xd7\xcd\xc6\x9a", name: "a Windows metafile (WMF)" },
  { magic: "#?RADIANCE", name: "a Radiance HDR picture" },
  { magic: "#?RGBE", name: "a Radiance HDR picture" },
  { magic: "v/1\x01", name: "an OpenEXR picture" },
  { magic: "SIMPLE  =", name: "a FITS picture" },
  { at: 128, magic: "DICM", name: "a DICOM file" },
  { magic: "\0\x05\x16\x07", name: "a file of attributes that a Mac keeps beside the photo (AppleDouble)" },
  { magic: "PK\x03\x04", name: "a ZIP archive" },
  { magic: "Rar!", name: "a RAR archive" },
  { magic: "7z\xbc\xaf", name: "a 7-Zip archive" },
  { magic: "\x1f\x8b", name: "a gzip file" },
  { magic: "\xd0\xcf\x11\xe0", name: "an Office document" },
  { magic: "\x1aE\xdf\xa3", name: "a Matroska or WebM video" },
  { at: 8, magic: "AVI ", name: "an AVI video" },
  { magic: "\0\0\x01\xba", name: "an MPEG video" },
  // QuickTime before it had a file type box.
  ...["moov", "mdat", "wide", "skip", "pnot"].map((magic) => ({ at: 4, magic, name: "a QuickTime video" })),
  { at: 8, magic: "WAVE", name: "a sound (WAV)" },
  { magic: "ID3", name: "a sound (MP3)" },
  { magic: "BM", name: "a BMP picture with a header of unknown length" },
];
