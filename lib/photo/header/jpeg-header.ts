import { latin1, viewOf } from "./bytes.ts";
import type { PhotoHeader } from "./photo-header.ts";

/**
 * Reads what the markers of a JPEG say (ITU-T T.81, annex B): size, sampling, kind of coding, number of scans, EXIF and
 * XMP. Of the compressed data only the markers are looked for. In a hurry, that ends after as many as 64 MiB of a photo
 * have, some 30 ms of CPU; 64 MiB of nothing but markers take ten seconds.
 *
 * @returns undefined when there is no frame before the bytes end.
 */
export function readJpegHeader(bytes: Uint8Array, isHurried: boolean): PhotoHeader | undefined {
  const segments = [...readSegments(bytes)];
  const frameSegment = segments.findLast(({ marker }) => isFrame(marker));
  const frame = frameSegment && readFrame(frameSegment.marker, frameSegment.data);
  if (!frame) return undefined;
  const looksMax = isHurried ? LOOKS_MAX : Number.POSITIVE_INFINITY;
  const { scans, isCut, hasAllScans } = countScans(bytes, segments.at(-1)!.end, looksMax);
  const dataAfter = (marker: number, magic: string) =>
    segments.find((one) => one.marker === marker && startsWith(one.data, magic))?.data.subarray(magic.length);
  return {
    format: "jpeg",
    ...frame,
    unreadable: unreadableReason(frameSegment.marker, frame),
    exif: dataAfter(APP1, EXIF),
    xmp: dataAfter(APP1, XMP),
    hasProfile: dataAfter(APP2, ICC) !== undefined,
    hasAdobe: segments.some(({ marker }) => marker === APP14),
    hasAlpha: false,
    scans,
    hasAllScans,
    isCut,
    isInterlaced: false,
    frames: 1,
  };
}

function unreadableReason(marker: number, { bitsPerSample }: Frame): string | undefined {
  if (marker === JPEG_LS) return "a JPEG-LS photo; store it as JPEG";
  return bitsPerSample === 8 ? undefined : `a JPEG of ${bitsPerSample} bits a sample; store it with 8`;
}

/** The start of frame of ITU-T T.87. */
const JPEG_LS = 0xf7;

interface Segment {
  readonly marker: number;
  readonly data: Uint8Array;
  readonly end: number;
}

/** The segments before the first scan, up to what is no marker. */
function* readSegments(bytes: Uint8Array): Generator<Segment> {
  const view = viewOf(bytes);
  for (let at = 2, steps = 0; at + 4 <= bytes.byteLength && bytes[at] === 0xff && steps < STEPS_MAX; steps += 1) {
    const marker = bytes[at + 1]!;
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE) return;
    // Fill bytes may stand before a marker, and markers without a length between segments.
    if (marker === FILL || isAlone(marker)) {
      at += marker === FILL ? 1 : 2;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    yield { marker, data: bytes.subarray(at + 4, Math.min(end, bytes.byteLength)), end };
    at = end;
  }
}

function isAlone(marker: number): boolean {
  return marker === TEMPORARY || (marker >= RESTART_0 && marker <= START_OF_IMAGE);
}

/** Segments and fill bytes that are looked at. The largest photos have some thousand segments of 64 KiB. */
const STEPS_MAX = 20_000;

const FILL = 0xff;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const TEMPORARY = 0x01;
const RESTART_0 = 0xd0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP14 = 0xee;
const EXIF = "Exif\0\0";
const XMP = "http://ns.adobe.com/xap/1.0/\0";
const ICC = "ICC_PROFILE\0";

function startsWith(data: Uint8Array, text: string): boolean {
  return latin1(data, 0, text.length) === text;
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which lie between them, and that of JPEG-LS. */
function isFrame(marker: number): boolean {
  return (
    marker === JPEG_LS || (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
  );
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly isProgressive: boolean;
  /** Samples of all components for one pixel: 3 in 4:4:4, 1.5 in 4:2:0, 1 in grey. */
  readonly samplesPerPixel: number;
}

function readFrame(marker: number, data: Uint8Array): Frame | undefined {
  if (data.byteLength < 6) return undefined;
  const view = viewOf(data);
  const components = data[5]!;
  if (data.byteLength < 6 + 3 * components) return undefined;
  const sampling = Array.from({ length: components }, (_, index) => data[7 + 3 * index]!);
  const factors = sampling.map((both) => ({ across: both >> 4, down: both & 15 }));
  const across = Math.max(1, ...factors.map((factor) => factor.across));
  const down = Math.max(1, ...factors.map((factor) => factor.down));
  const samples = factors.reduce((sum, factor) => sum + factor.across * factor.down, 0);
  return {
    bitsPerSample: data[0]!,
    height: view.getUint16(1),
    width: view.getUint16(3),
    isProgressive: PROGRESSIVE.has(marker),
    samplesPerPixel: samples / (across * down),
  };
}

const PROGRESSIVE = new Set([0xc2, 0xc6, 0xca, 0xce]);

/**
 * Scans from `at` up to the image's end, as a decoder meets them: from marker to marker, and over the contents of
 * segments, in which bytes that look like a marker are none. In compressed data every 0xff is followed by 0 or a restart.
 */
function countScans(
  bytes: Uint8Array,
  at: number,
  looksMax: number,
): Pick<PhotoHeader, "scans" | "isCut" | "hasAllScans"> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let scans = 0;
  for (let from = at, looks = 0; scans < SCANS_COUNTED_MAX; looks++) {
    if (looks >= looksMax) return { scans, isCut: false, hasAllScans: false };
    const found = buffer.indexOf(FILL, from);
    const marker = buffer[found + 1];
    if (found < 0 || marker === undefined) return { scans, isCut: true, hasAllScans: true };
    if (marker === END_OF_IMAGE) return { scans, isCut: false, hasAllScans: true };
    if (marker === START_OF_SCAN) scans += 1;
    from = found + bytesOfMarker(buffer, found, marker);
  }
  return { scans, isCut: false, hasAllScans: true };
}

/** With the segment that it begins; of a fill byte its own. */
function bytesOfMarker(buffer: Buffer, at: number, marker: number): number {
  if (marker === FILL) return 1;
  return marker === 0 || isAlone(marker) || at + 4 > buffer.length ? 2 : 2 + buffer.readUInt16BE(at + 2);
}

/** Compressed data has one 0xff in 256 bytes. */
const LOOKS_MAX = 262_144;

/** Counting ends here: whoever looks at the number refuses the photo long before. */
const SCANS_COUNTED_MAX = 10_000;
