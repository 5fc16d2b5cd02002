import { latin1, viewOf } from "./bytes.ts";
import type { Nclx, PhotoHeader } from "./photo-header.ts";

/**
 * Reads the chunks of a PNG before its pixels (PNG third edition, section 11): size, depth, interlacing, eXIf and XMP;
 * those behind the pixels are looked for too, since programs put them there.
 *
 * @returns undefined where the first chunk is not the header.
 */
export function readPngHeader(bytes: Uint8Array): PhotoHeader | undefined {
  const view = viewOf(bytes);
  if (bytes.byteLength < 33 || latin1(bytes, 12, 16) !== "IHDR") return undefined;
  const colourType = bytes[25]!;
  const chunks = [...readChunks(bytes)];
  const dataOf = (type: string) => chunks.find((chunk) => chunk.type === type)?.data;
  const codePoints = readCodePoints(dataOf("cICP"));
  const texts = chunks.filter(({ type }) => type === "iTXt");
  return {
    format: "png",
    width: view.getUint32(16),
    height: view.getUint32(20),
    bitsPerSample: bytes[24]!,
    samplesPerPixel: SAMPLES[colourType] ?? 1,
    hasAlpha: colourType === GREY_ALPHA || colourType === RGB_ALPHA || dataOf("tRNS") !== undefined,
    // Code points go before a profile: PNG third edition, section 4.3.
    hasProfile: codePoints === undefined && dataOf("iCCP") !== undefined,
    nclx: codePoints,
    isInterlaced: bytes[28] === 1,
    isProgressive: false,
    scans: 1,
    frames: 1,
    exif: dataOf("eXIf"),
    xmp: texts.map(({ data }) => readXmp(data)).find((found) => found !== undefined),
    isCut: dataOf("IEND") === undefined,
  };
}

/** All chunks but those that only hold pixels, up to the end's. */
function* readChunks(bytes: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  const view = viewOf(bytes);
  let chunks = 0;
  for (let at = 8; at + 12 <= bytes.byteLength && chunks < CHUNKS_MAX; chunks += 1) {
    const length = view.getUint32(at);
    const type = latin1(bytes, at + 4, at + 8);
    if (type !== "IDAT") yield { type, data: bytes.subarray(at + 8, Math.min(at + 8 + length, bytes.byteLength)) };
    if (type === "IEND") return;
    at += 12 + length;
  }
}

/** Undefined also where they leave open what the numbers mean. */
function readCodePoints(data: Uint8Array | undefined): Nclx | undefined {
  if (!data || data.byteLength < 4) return undefined;
  const [primaries, transfer] = [data[0]!, data[1]!];
  return primaries === UNSPECIFIED || transfer === UNSPECIFIED ? undefined : { primaries, transfer };
}

const UNSPECIFIED = 2;
const GREY_ALPHA = 4;
const RGB_ALPHA = 6;
/** Samples of a pixel by colour type; of a palette, the three that it stands for. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };
/** Photos have a few hundred at most, one for each 8 KiB of pixels. */
const CHUNKS_MAX = 20_000;
const XMP_KEYWORD = "XML:com.adobe.xmp\0";
/** Keyword, compression flag and method, language and translated keyword, which XMP leaves empty. */
const XMP_AT = XMP_KEYWORD.length + 4;

/** XMP in PNG is never compressed: XMP specification part 3, section 1.1.5. */
function readXmp(data: Uint8Array): Uint8Array | undefined {
  return latin1(data, 0, XMP_KEYWORD.length) === XMP_KEYWORD ? data.subarray(XMP_AT) : undefined;
}
