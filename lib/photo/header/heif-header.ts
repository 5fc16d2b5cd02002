import { type Box, findBox, readBoxes } from "./bmff-boxes.ts";
import { latin1, viewOf } from "./bytes.ts";
import { readHeifItems } from "./heif-items.ts";
import type { Nclx, PhotoHeader } from "./photo-header.ts";

export interface HeifHeader extends PhotoHeader {
  readonly format: "avif" | "heic";
  /** The embedded ICC profile of the primary image. */
  readonly profile: Uint8Array | undefined;
  /** Pictures only as a track, without a still image of its own. */
  readonly isSequenceOnly: boolean;
}

/**
 * Reads the boxes of an AVIF or HEIC file (ISO/IEC 23008-12; AV1 Image File Format 1.2): the primary item with its
 * size, depth, colours, turns, and where its bytes lie.
 *
 * @returns undefined where there is no primary image with a size.
 */
export function readHeifHeader(bytes: Uint8Array, format: "avif" | "heic"): HeifHeader | undefined {
  const meta = findBox(bytes, "meta");
  if (!meta) return findBox(bytes, "moov") ? sequenceHeader(format) : undefined;
  const items = readHeifItems(meta);
  const primary = items.primary;
  const properties = items.propertiesOf(primary);
  const size = properties.find(({ type }) => type === "ispe");
  if (!size || size.data.byteLength < 12) return undefined;
  const view = viewOf(size.data);
  const isGrid = items.typeOf(primary) === "grid";
  const tiles = isGrid ? items.referencesOf("dimg", primary) : [primary];
  // The tiles of a grid tell depth and sampling; the grid itself may not.
  const coded = [...properties, ...items.propertiesOf(tiles[0] ?? primary)];
  const { bitsPerSample, samplesPerPixel } = readDepth(coded);
  const colours = coded.filter(({ type }) => type === "colr");
  const profile = colours.map(readProfile).find((found) => found !== undefined);
  const exifItem = items.describing(primary).find((item) => items.typeOf(item) === "Exif");
  const xmpItem = items.describing(primary).find((item) => items.typeOf(item) === "mime");
  return {
    format,
    ...turned({ width: view.getUint32(4), height: view.getUint32(8) }, properties),
    bitsPerSample,
    samplesPerPixel,
    hasAlpha: items.hasAlpha(primary),
    hasProfile: profile !== undefined,
    isInterlaced: false,
    isProgressive: false,
    scans: 1,
    frames: 1,
    exif: exifItem === undefined ? undefined : withoutOffset(items.bytesOf(exifItem, bytes)),
    xmp: xmpItem === undefined ? undefined : items.bytesOf(xmpItem, bytes),
    nclx: profile ? undefined : colours.map(readNclx).find((found) => found !== undefined),
    profile,
    // Of a grid all tiles count: libheif fills missing ones with darkness. Other pictures' bytes count too, since it
    // refuses a file that lacks any.
    isCut: [...new Set([primary, ...tiles])].some((item) => items.isCut(item, bytes.byteLength)) || breaksOff(bytes),
    isSequenceOnly: false,
  };
}

function breaksOff(bytes: Uint8Array): boolean {
  for (const { isCut } of readBoxes(bytes)) if (isCut) return true;
  return false;
}

function sequenceHeader(format: "avif" | "heic"): HeifHeader {
  const unknown = { width: 1, height: 1, bitsPerSample: 8, samplesPerPixel: 3, hasAlpha: false, hasProfile: false };
  const still = { isInterlaced: false, isProgressive: false, scans: 1, frames: 1, exif: undefined, xmp: undefined };
  const own = { nclx: undefined, profile: undefined, isCut: false, isSequenceOnly: true };
  return { format, ...unknown, ...still, ...own };
}

/** The size as it is shown: `irot` in quarter turns, `clap` cuts; mirrors change nothing. */
function turned(
  size: { width: number; height: number },
  properties: readonly Box[],
): { width: number; height: number } {
  let { width, height } = size;
  for (const { type, data } of properties) {
    if (type === "clap" && data.byteLength >= 16) {
      const view = viewOf(data);
      const [across, down] = [view.getUint32(0) / view.getUint32(4), view.getUint32(8) / view.getUint32(12)];
      if (across >= 1 && across <= width) width = Math.round(across);
      if (down >= 1 && down <= height) height = Math.round(down);
    }
    if (type === "irot" && (data[0]! & 1) === 1) [width, height] = [height, width];
  }
  return { width, height };
}

/** `pixi` says it for all codecs; `av1C` and `hvcC` in their own ways, with the sampling. */
function readDepth(properties: readonly Box[]): { bitsPerSample: number; samplesPerPixel: number } {
  const said = properties.flatMap((property) => DEPTH_READERS[property.type]?.(property.data) ?? []);
  return {
    bitsPerSample: Math.max(8, ...said.map(({ bits }) => bits)),
    samplesPerPixel: said.findLast(({ samples }) => samples !== undefined)?.samples ?? 1.5,
  };
}

type ReadDepth = (data: Uint8Array) => { readonly bits: number; readonly samples?: number } | undefined;

const DEPTH_READERS: Readonly<Record<string, ReadDepth>> = {
  pixi: (data) => (data.byteLength > 5 ? { bits: Math.max(...data.subarray(5, 5 + data[4]!)) } : undefined),
  av1C(data) {
    if (data.byteLength < 4) return undefined;
    const flags = data[2]!;
    const halvings = (flags & AV1_HALF_WIDTH ? 1 : 0) + (flags & AV1_HALF_HEIGHT ? 1 : 0);
    const samples = flags & AV1_GREY ? 1 : 1 + 2 * 0.5 ** halvings;
    return { bits: flags & AV1_HIGH_DEPTH ? (flags & AV1_TWELVE_BITS ? 12 : 10) : 8, samples };
  },
  hvcC: (data) =>
    data.byteLength >= 18 ? { bits: 8 + (data[17]! & 7), samples: [1, 1.5, 2, 3][data[16]! & 3]! } : undefined,
};

const AV1_HIGH_DEPTH = 0x40;
const AV1_TWELVE_BITS = 0x20;
const AV1_GREY = 0x10;
const AV1_HALF_WIDTH = 0x08;
const AV1_HALF_HEIGHT = 0x04;

function readProfile({ data }: Box): Uint8Array | undefined {
  const kind = latin1(data, 0, 4);
  const holdsProfile = (kind === "prof" || kind === "rICC") && data.byteLength > 4 + 128;
  return holdsProfile ? data.subarray(4) : undefined;
}

function readNclx({ data }: Box): Nclx | undefined {
  if (latin1(data, 0, 4) !== "nclx" || data.byteLength < 11) return undefined;
  const view = viewOf(data);
  return { primaries: view.getUint16(4), transfer: view.getUint16(6) };
}

/** An Exif item begins with the distance to its TIFF structure: ISO/IEC 23008-12, annex A.2.1. */
function withoutOffset(item: Uint8Array | undefined): Uint8Array | undefined {
  if (!item || item.byteLength < 4) return undefined;
  return item.subarray(4 + viewOf(item).getUint32(0));
}
