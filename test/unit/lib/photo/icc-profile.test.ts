import sharp from "sharp";
import { expect, test } from "vitest";
import { profileOfCodePoints } from "#lib/photo/icc-profile.ts";
import { tiffOf } from "#lib/photo/tiff-file.ts";

const SRGB_CURVE = 13;

async function converted(rgb: readonly number[], primaries: number, transfer: number): Promise<number[]> {
  const profile = profileOfCodePoints({ primaries, transfer })!;
  const samples = Uint8Array.from([...rgb, ...rgb, ...rgb, ...rgb]);
  const tiff = tiffOf({ samples, width: 2, height: 2 }, profile);
  return [...(await sharp(tiff).toColourspace("srgb").raw().toBuffer()).subarray(0, 3)];
}

test("sRGB under all its names needs no profile", () => {
  for (const transfer of [1, 2, 6, 13, 14, 15]) expect(profileOfCodePoints({ primaries: 1, transfer })).toBeUndefined();
  expect(profileOfCodePoints({ primaries: 2, transfer: 2 })).toBeUndefined();
});

/** Computed from the chromaticities alone, both ways through XYZ with the same white. */
test.each([
  { name: "Display P3", primaries: 12, rgb: [200, 100, 50], expected: [215, 93, 31] },
  { name: "Display P3", primaries: 12, rgb: [100, 150, 100], expected: [83, 152, 95] },
  { name: "BT.2020", primaries: 9, rgb: [150, 120, 100], expected: [167, 116, 96] },
])("$name's $rgb is $expected in sRGB", async ({ primaries, rgb, expected }) => {
  const actual = await converted(rgb, primaries, SRGB_CURVE);
  for (const [channel, value] of actual.entries()) expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(2);
});

test("greys stay grey, and white stays white", async () => {
  for (const primaries of [4, 5, 6, 9, 11, 12, 22]) {
    expect(await converted([255, 255, 255], primaries, SRGB_CURVE)).toEqual([255, 255, 255]);
    const grey = await converted([128, 128, 128], primaries, SRGB_CURVE);
    for (const value of grey) expect(Math.abs(value - 128)).toBeLessThanOrEqual(1);
  }
});

test("PQ and HLG show reference white as white", async () => {
  // 203 cd/m² is 0.58 of PQ's scale and 0.75 of HLG's.
  for (const [transfer, white] of [
    [16, 0.582],
    [18, 0.75],
  ] as const) {
    const value = Math.round(255 * white);
    for (const channel of await converted([value, value, value], 9, transfer))
      expect(channel).toBeGreaterThanOrEqual(251);
    for (const channel of await converted([value / 2, value / 2, value / 2], 9, transfer))
      expect(channel).toBeLessThan(200);
  }
});
