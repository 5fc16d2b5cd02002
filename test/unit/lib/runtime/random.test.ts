import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#lib/runtime/random.ts";

test("equal seeds make equal choices, others make others", () => {
  const choices = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  expect(choices(7)).toEqual(choices(7));
  expect(choices(7)).not.toEqual(choices(8));
  expect(choices(7)).toEqual(choices(7 + 2 ** 32));
});

test("numbers stay within their bounds", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -1_000, max: 1_000 }), fc.nat(1_000), (seed, min, span) => {
      const random = new Random(seed);
      const whole = random.between(min, min + span);
      expect(Number.isInteger(whole) && whole >= min && whole <= min + span).toBe(true);
      const real = random.within(min, min + span + 1);
      expect(real >= min && real < min + span + 1).toBe(true);
    }),
  );
});

test("whole numbers and choices are drawn evenly", () => {
  const random = new Random(1);
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 8_000; draw++) counts[random.between(0, 3)]!++;
  for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(200);
  const hits = Array.from({ length: 8_000 }, () => random.chance(0.25)).filter(Boolean).length;
  expect(Math.abs(hits - 2_000)).toBeLessThan(200);
  const picked = new Set(Array.from({ length: 100 }, () => random.pick(["a", "b", "c"])));
  expect([...picked].sort()).toEqual(["a", "b", "c"]);
});
