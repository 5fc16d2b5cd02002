import sharp from "sharp";
import { expect, test } from "vitest";
import { FRUIT_KINDS } from "#demo/photos/fruit-kinds.ts";
import { drawFruitPicture } from "#demo/photos/fruit-picture.ts";
import { DESCRIPTION, renderPhoto } from "#demo/photos/render-photo.ts";

test.each([32, 160])("a photo of %i pixels is a square JPEG that says it is synthetic", async (sidePx) => {
  const photo = await renderPhoto(drawFruitPicture(1, 0), sidePx);
  const { format, width, height, channels, exif } = await sharp(photo).metadata();
  expect({ format, width, height, channels }).toEqual({ format: "jpeg", width: sidePx, height: sidePx, channels: 3 });
  expect(exif?.toString("latin1")).toContain(DESCRIPTION);
});

test("the same picture is rendered to the same bytes", async () => {
  for (const index of FRUIT_KINDS.keys()) {
    const [first, second] = await Promise.all([
      renderPhoto(drawFruitPicture(3, index), 64),
      renderPhoto(drawFruitPicture(3, index), 64),
    ]);
    expect(Buffer.compare(first, second)).toBe(0);
  }
});

test("a photo that is drawn smaller and enlarged has its size, and shows the same as a small one", async () => {
  const picture = drawFruitPicture(1, 7);
  const [small, large] = await Promise.all([renderPhoto(picture, 64), renderPhoto(picture, 2_016)]);
  const { width, height } = await sharp(large).metadata();
  expect({ width, height }).toEqual({ width: 2_016, height: 2_016 });
  const [colours, others] = await Promise.all([coloursOf(small), coloursOf(large)]);
  const difference = colours.reduce((sum, value, at) => sum + Math.abs(value - others[at]!), 0) / colours.length;
  expect(difference).toBeLessThan(4);
});

/**
 * The colours in the middle suffice to tell most fruit: the nearest of other photos shows the same kind, where guessing
 * would be right for 8 %.
 */
test("kinds can be told apart", async () => {
  const kinds = FRUIT_KINDS.length;
  const known = await middles(0, 20 * kinds);
  const fresh = await middles(known.length, 8 * kinds);
  const hits = fresh.filter((colours, index) => nearest(colours, known) % kinds === index % kinds).length;
  expect(hits / fresh.length).toBeGreaterThan(0.8);
});

async function middles(first: number, count: number): Promise<number[][]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const photo = await renderPhoto(drawFruitPicture(11, first + index), 48);
      const middle = await sharp(photo).extract({ left: 10, top: 10, width: 28, height: 28 }).png().toBuffer();
      return await coloursOf(middle);
    }),
  );
}

/** Of 8 x 8 areas: red, green and blue of 0 to 255 for each. */
async function coloursOf(photo: Uint8Array): Promise<number[]> {
  return [...(await sharp(photo).resize(8).raw().toBuffer())];
}

/** The index of the nearest among `known`. */
function nearest(colours: readonly number[], known: readonly (readonly number[])[]): number {
  const distances = known.map((other) => other.reduce((sum, value, at) => sum + (value - colours[at]!) ** 2, 0));
  return distances.indexOf(Math.min(...distances));
}
