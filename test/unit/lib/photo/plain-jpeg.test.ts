import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { checkPhoto } from "#lib/photo/check-photo.ts";
import { isPlainJpeg } from "#lib/photo/plain-jpeg.ts";

const blank = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: "white" } });
const inputOf = (side: number) => ({ width: side, height: side, resize: "stretch" as const });

async function isPlain(photo: Sharp, inputSide: number): Promise<boolean> {
  const bytes = await photo.toBuffer();
  return isPlainJpeg(bytes.length, checkPhoto(bytes), inputOf(inputSide));
}

test("the event loop decodes no more than a megapixel, however large the model's input is", async () => {
  for (const side of [512, 1024, 2048]) {
    expect(await isPlain(blank(1_000, 1_000).jpeg(), side)).toBe(true);
    expect(await isPlain(blank(1_000, 1_001).jpeg(), side)).toBe(false);
  }
});

test("nor what would be reduced, turned, converted or put together from scans", async () => {
  expect(await isPlain(blank(400, 400).jpeg(), 112)).toBe(true);
  expect(await isPlain(blank(500, 500).jpeg(), 112)).toBe(false);
  expect(await isPlain(blank(400, 400).withMetadata({ orientation: 6 }).jpeg(), 112)).toBe(false);
  expect(await isPlain(blank(400, 400).withIccProfile("p3").jpeg(), 112)).toBe(false);
  expect(await isPlain(blank(400, 400).jpeg({ progressive: true }), 112)).toBe(false);
  expect(await isPlain(blank(400, 400).png(), 112)).toBe(false);
});
