import fc from "fast-check";
import { expect, test } from "vitest";
import { DeadLetterLimit } from "#services/featurizer/dead-letter-limit.ts";

const outcome = (isDeadLetter: boolean) => ({ isDeadLetter, detail: "it can't be decoded" });
const failed = Array.from({ length: 10 }, () => outcome(true));

test("nearly everything failing is told as such, with the last reason", () => {
  const limit = new DeadLetterLimit(10, 0.9);
  expect(() => limit.count(failed)).toThrow(
    expect.objectContaining({
      code: "too-many-dead-letters",
      message: expect.stringMatching(/10 of the latest 10.*decoded/),
    }),
  );
});

test("a few photos that all fail are no reason to stop", () => {
  const limit = new DeadLetterLimit(10, 0.9);
  expect(() => limit.count(failed.slice(1))).not.toThrow();
});

test("whatever came before, only the latest outcomes count", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (letters, outcomesMin) => {
      const limit = new DeadLetterLimit(outcomesMin, 0.5);
      const reached = letters.findIndex((_, index) => {
        const latest = letters.slice(Math.max(0, index + 1 - outcomesMin), index + 1);
        return latest.length === outcomesMin && latest.filter(Boolean).length > 0.5 * outcomesMin;
      });
      const count = () => limit.count(letters.map(outcome));
      if (reached === -1) expect(count).not.toThrow();
      else expect(count).toThrow();
    }),
  );
});
