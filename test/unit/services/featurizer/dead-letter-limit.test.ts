import fc from "fast-check";
import { expect, test } from "vitest";
import type { DeadLetterReason } from "#lib/runtime/errors.ts";
import { DeadLetterLimit } from "#services/featurizer/dead-letter-limit.ts";

const letter = (reason: DeadLetterReason) => ({ deadLetter: { reason, detail: "it does not exist" } });
const outcome = (isDeadLetter: boolean) => (isDeadLetter ? letter("not-found") : {});
const failed = Array.from({ length: 10 }, () => outcome(true));

test("nearly everything failing is told as such, with the last reason", () => {
  const limit = new DeadLetterLimit(10, 0.9);
  expect(() => limit.count(failed)).toThrow(
    expect.objectContaining({
      code: "too-many-dead-letters",
      message: expect.stringMatching(/10 of the latest 10 .*it does not exist/),
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

const OF_CLIENTS: DeadLetterReason[] = [
  "corrupt-image",
  "unsupported-format",
  "too-large",
  "pixel-limit",
  "poison-message",
  "etag-changed",
];

test.each(OF_CLIENTS)("uploads that end as %s never stop anything, and hide nothing", (reason) => {
  const limit = new DeadLetterLimit(10, 0.9);
  expect(() => limit.count(Array.from({ length: 1_600 }, () => letter(reason)))).not.toThrow();
  const mixed = failed.flatMap((ours) => [letter(reason), ours]);
  expect(() => limit.count(mixed)).toThrow(/10 of the latest 10/);
});

test.each<DeadLetterReason>(["not-found", "unreadable-object", "invalid-features"])("%s counts", (reason) => {
  const limit = new DeadLetterLimit(10, 0.9);
  expect(() => limit.count(Array.from({ length: 10 }, () => letter(reason)))).toThrow(/10 of the latest 10/);
});
