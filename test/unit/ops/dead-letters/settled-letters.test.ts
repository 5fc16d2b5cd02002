import fc from "fast-check";
import { expect, test } from "vitest";
import { SettledLetters } from "#ops/dead-letters/settled-letters.ts";

test("knows exactly the letters that were marked", () => {
  const place = fc.record({
    partition: fc.nat(2),
    offset: fc.nat(40_000),
    outcome: fc.constantFrom("retried", "dropped"),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(place, { selector: ({ partition, offset }) => `${partition}:${offset}` }),
      fc.nat(40_000),
      (places, other) => {
        const settled = new SettledLetters();
        const expected = new Map(places.map(({ partition, offset, outcome }) => [`${partition}:${offset}`, outcome]));
        for (const { partition, offset, outcome } of places) {
          const mark = { letterPartition: partition, letterOffset: offset, newPartition: null, newOffset: null };
          settled.note({ ...mark, outcome: outcome as "retried" | "dropped", markedAtMs: 0 });
        }
        for (const { partition, offset } of [...places, { partition: 0, offset: other }]) {
          expect(settled.outcomeOf(partition, offset)).toBe(expected.get(`${partition}:${offset}`));
        }
      },
    ),
  );
});

test("offsets of a topic that has run for long are no burden", () => {
  const settled = new SettledLetters();
  const letterOffset = 2 ** 45;
  const mark = { letterPartition: 0, letterOffset, newPartition: null, newOffset: null, markedAtMs: 0 };
  settled.note({ ...mark, outcome: "dropped" });
  expect(settled.outcomeOf(0, letterOffset)).toBe("dropped");
  expect(settled.outcomeOf(0, letterOffset + 1)).toBeUndefined();
});
