import fc from "fast-check";
import { expect, test } from "vitest";
import { FRUIT_KINDS } from "#demo/photos/fruit-kinds.ts";
import { drawFruitPicture } from "#demo/photos/fruit-picture.ts";

test("a picture follows from seed and index alone", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(99_999), (seed, index) => {
      expect(drawFruitPicture(seed, index)).toEqual(drawFruitPicture(seed, index));
    }),
    { numRuns: 50 },
  );
});

test("neighbouring seeds and indices have pictures of their own", () => {
  const seeds = [0, 1, 2, 2 ** 32 - 1];
  const markups = seeds.flatMap((seed) =>
    Array.from({ length: 60 }, (_, index) => drawFruitPicture(seed, index).markup),
  );
  expect(new Set(markups).size).toBe(markups.length);
});

test("the kinds take turns", () => {
  const names = Array.from({ length: 24 }, (_, index) => drawFruitPicture(1, index).kind.name);
  const inOrder = FRUIT_KINDS.map(({ name }) => name);
  expect(names).toEqual([...inOrder, ...inOrder]);
  expect(new Set(inOrder).size).toBe(12);
});

test("no number in a picture is NaN or infinite, and every reference is defined", () => {
  for (let index = 0; index < 120; index++) {
    const { markup } = drawFruitPicture(5, index);
    expect(markup).not.toMatch(/NaN|Infinity|undefined/);
    const defined = new Set([...markup.matchAll(/id="(d\d+)"/g)].map(([, id]) => id));
    const used = [...markup.matchAll(/url\(#(d\d+)\)/g)].map(([, id]) => id);
    expect(used.filter((id) => !defined.has(id))).toEqual([]);
  }
});
