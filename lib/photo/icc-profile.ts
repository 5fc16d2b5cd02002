import type { Nclx } from "./header/photo-header.ts";

/**
 * An ICC profile (ICC.1:2022, version 4.4, a display profile of three matrix columns and one curve) for colours that a
 * container names by code points of ITU-T H.273, as AVIF, HEIC and PNG do; undefined where they are sRGB's, or of a
 * kind that photos don't have.
 *
 * PQ and HLG curves end at reference white, 203 cd/m² (ITU-R BT.2408): what is brighter becomes white.
 */
export function profileOfCodePoints({ primaries, transfer }: Nclx): Uint8Array | undefined {
  const chromaticities = PRIMARIES[primaries];
  const curve = CURVES[transfer];
  const isSrgb = primaries === BT709 && SRGB_LIKE.has(transfer);
  if (isSrgb || (primaries === UNSPECIFIED && (transfer === UNSPECIFIED || SRGB_LIKE.has(transfer)))) return undefined;
  return buildProfile(chromaticities ?? PRIMARIES[BT709]!, curve ?? CURVES[SRGB]!);
}

const BT709 = 1;
const UNSPECIFIED = 2;
const SRGB = 13;
/** Cameras write BT.709's curve and mean sRGB's: photo software takes both for sRGB's. */
const SRGB_LIKE = new Set([1, 2, 6, 13, 14, 15]);

type Chromaticity = readonly [x: number, y: number];
/** Red, green, blue, white. */
type Primaries = readonly [Chromaticity, Chromaticity, Chromaticity, Chromaticity];

const D65: Chromaticity = [0.3127, 0.329];
/** By ColourPrimaries: BT.709, BT.470 M, BT.470 BG, SMPTE 170M, SMPTE 240M, film, BT.2020, XYZ left out, DCI-P3, Display P3, EBU. */
const PRIMARIES: Readonly<Record<number, Primaries>> = {
  1: [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06], D65],
  4: [
    [0.67, 0.33],
    [0.21, 0.71],
    [0.14, 0.08],
    [0.31, 0.316],
  ],
  5: [[0.64, 0.33], [0.29, 0.6], [0.15, 0.06], D65],
  6: [[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], D65],
  7: [[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], D65],
  8: [
    [0.681, 0.319],
    [0.243, 0.692],
    [0.145, 0.049],
    [0.31, 0.316],
  ],
  9: [[0.708, 0.292], [0.17, 0.797], [0.131, 0.046], D65],
  11: [
    [0.68, 0.32],
    [0.265, 0.69],
    [0.15, 0.06],
    [0.314, 0.351],
  ],
  12: [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], D65],
  22: [[0.63, 0.34], [0.295, 0.605], [0.155, 0.077], D65],
};

/** From a stored value to linear light, both 0 to 1. */
type Curve = (value: number) => number;

const srgb: Curve = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
/** Reference white of PQ and HLG: ITU-R BT.2408, table 1. */
const WHITE_NITS = 203;

/** SMPTE ST 2084. */
const pq: Curve = (v) => {
  const [m1, m2, c1, c2, c3] = [0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875];
  const power = v ** (1 / m2);
  return Math.min(1, ((Math.max(0, power - c1) / (c2 - c3 * power)) ** (1 / m1) * 10_000) / WHITE_NITS);
};

/** ITU-R BT.2100, shown at 1,000 cd/m² with a system gamma of 1.2. */
const hlg: Curve = (v) => {
  const [a, b, c] = [0.17883277, 0.28466892, 0.55991073];
  const scene = v <= 0.5 ? v ** 2 / 3 : (Math.exp((v - c) / a) + b) / 12;
  return Math.min(1, (1_000 * scene ** 1.2) / WHITE_NITS);
};

/** By TransferCharacteristics. */
const CURVES: Readonly<Record<number, Curve>> = {
  1: srgb,
  4: (v) => v ** 2.2,
  5: (v) => v ** 2.8,
  6: srgb,
  8: (v) => v,
  13: srgb,
  14: srgb,
  15: srgb,
  16: pq,
  17: (v) => Math.min(1, (v ** 2.6 * 52.37) / 48),
  18: hlg,
};

const CURVE_POINTS = 4_096;
const HEADER_BYTES = 128;
const TAG_ENTRY_BYTES = 12;

function buildProfile(primaries: Primaries, curve: Curve): Uint8Array {
  const columns = columnsToD50(primaries);
  const tags: [string, Buffer][] = [
    ["desc", textTag("colours by code points")],
    ["cprt", textTag("CC0")],
    ["wtpt", xyzTag(D50)],
    ["rXYZ", xyzTag(columns[0]!)],
    ["gXYZ", xyzTag(columns[1]!)],
    ["bXYZ", xyzTag(columns[2]!)],
    ["rTRC", curveTag(curve)],
  ];
  // The three channels share one curve.
  const names = [...tags.map(([name]) => name), "gTRC", "bTRC"];
  const start = HEADER_BYTES + 4 + TAG_ENTRY_BYTES * names.length;
  const offsets = new Map<string, [offset: number, size: number]>();
  let at = start;
  for (const [name, data] of tags) {
    offsets.set(name, [at, data.byteLength]);
    at += data.byteLength;
  }
  offsets.set("gTRC", offsets.get("rTRC")!).set("bTRC", offsets.get("rTRC")!);

  const table = Buffer.alloc(4 + TAG_ENTRY_BYTES * names.length);
  table.writeUInt32BE(names.length, 0);
  for (const [index, name] of names.entries()) {
    const [offset, size] = offsets.get(name)!;
    table.write(name, 4 + TAG_ENTRY_BYTES * index, "latin1");
    table.writeUInt32BE(offset, 8 + TAG_ENTRY_BYTES * index);
    table.writeUInt32BE(size, 12 + TAG_ENTRY_BYTES * index);
  }
  return Buffer.concat([profileHeader(at), table, ...tags.map(([, data]) => data)]);
}

function profileHeader(size: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(0x04400000, 8);
  header.write("mntrRGB XYZ ", 12, "latin1");
  header.write("acsp", 36, "latin1");
  for (const [index, value] of D50.entries()) header.writeInt32BE(fixed(value), 68 + 4 * index);
  return header;
}

type Xyz = readonly [number, number, number];

/** The profile connection space's white. */
const D50: Xyz = [0.9642, 1, 0.8249];

/** s15Fixed16Number. */
function fixed(value: number): number {
  return Math.round(value * 65_536);
}

function xyzTag(xyz: Xyz): Buffer {
  const tag = Buffer.alloc(20);
  tag.write("XYZ ", 0, "latin1");
  for (const [index, value] of xyz.entries()) tag.writeInt32BE(fixed(value), 8 + 4 * index);
  return tag;
}

function curveTag(curve: Curve): Buffer {
  const tag = Buffer.alloc(12 + 2 * CURVE_POINTS);
  tag.write("curv", 0, "latin1");
  tag.writeUInt32BE(CURVE_POINTS, 8);
  for (let point = 0; point < CURVE_POINTS; point += 1) {
    tag.writeUInt16BE(Math.round(65_535 * curve(point / (CURVE_POINTS - 1))), 12 + 2 * point);
  }
  return tag;
}

function textTag(text: string): Buffer {
  const tag = Buffer.alloc(28 + 2 * text.length + ((2 * text.length) % 4));
  tag.write("mluc", 0, "latin1");
  tag.writeUInt32BE(1, 8);
  tag.writeUInt32BE(12, 12);
  tag.write("enUS", 16, "latin1");
  tag.writeUInt32BE(2 * text.length, 20);
  tag.writeUInt32BE(28, 24);
  for (const [index, character] of [...text].entries()) tag.writeUInt16BE(character.charCodeAt(0), 28 + 2 * index);
  return tag;
}

/** Red, green and blue of full strength as XYZ, adapted from their white to D50 by the linear Bradford transform. */
function columnsToD50([red, green, blue, white]: Primaries): Xyz[] {
  const [r, g, b] = [red, green, blue].map(xyzOf) as [Xyz, Xyz, Xyz];
  const strengths = solve([r, g, b], xyzOf(white));
  const adapt = adaptation(xyzOf(white));
  return [r, g, b].map((column, index) => adapt(column.map((value) => value * strengths[index]!) as unknown as Xyz));
}

function xyzOf([x, y]: Chromaticity): Xyz {
  return [x / y, 1, (1 - x - y) / y];
}

const BRADFORD: readonly Xyz[] = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

function adaptation(white: Xyz): (xyz: Xyz) => Xyz {
  const cones = (xyz: Xyz) =>
    BRADFORD.map((row) => row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]) as unknown as Xyz;
  const [from, to] = [cones(white), cones(D50)];
  const columns = [0, 1, 2].map((index) => BRADFORD.map((row) => row[index]!) as unknown as Xyz) as [Xyz, Xyz, Xyz];
  return (xyz) =>
    solve(columns, cones(xyz).map((value, index) => (value * to[index]!) / from[index]!) as unknown as Xyz);
}

/** x with x₀·c₀ + x₁·c₁ + x₂·c₂ = target, by Cramer's rule. */
function solve([c0, c1, c2]: readonly [Xyz, Xyz, Xyz], target: Xyz): Xyz {
  const all = determinant(c0, c1, c2);
  return [determinant(target, c1, c2) / all, determinant(c0, target, c2) / all, determinant(c0, c1, target) / all];
}

function determinant(a: Xyz, b: Xyz, c: Xyz): number {
  return a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1]);
}
