import fc from "fast-check";
import { expect, it } from "vitest";
import { shuffle } from "#analysis/classify/learning/shuffle.ts";
import { Random } from "#lib/runtime/random.ts";

it("a shuffle keeps the items, and those beyond its count in their places", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(), fc.nat(), (items, at, seed) => {
      const count = items.length === 0 ? 0 : at % (items.length + 1);
      const shuffled = shuffle([...items], new Random(seed), count);
      expect(shuffled.slice(count)).toEqual(items.slice(count));
      expect(shuffled.slice(0, count).sort()).toEqual(items.slice(0, count).sort());
    }),
  );
});

it("every order of three items is about as likely as any other", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const order = shuffle([..."abc"], new Random(seed)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
