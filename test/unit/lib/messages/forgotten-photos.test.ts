import fc from "fast-check";
import { expect, test } from "vitest";
import { ForgottenPhotos, photoRule, prefixRule, ruleKey, stricter } from "#lib/messages/forgotten-photos.ts";

const uris = fc.string({ unit: "binary", maxLength: 12 });
const times = fc.option(fc.integer({ min: 0, max: 3 }));

test("says of any photo what its rules say, one by one, in whichever order they came", () => {
  const rules = fc.array(fc.record({ isPrefix: fc.boolean(), text: uris, before: times }));
  fc.assert(
    fc.property(rules, fc.array(uris), fc.integer({ min: 0, max: 3 }), (given, others, announcedAtMs) => {
      const made = given.map(({ isPrefix, text, before }) => (isPrefix ? prefixRule : photoRule)(text, before));
      const asked = [...others, ...given.map(({ text }) => text), ...given.map(({ text }) => `${text}x`)];
      const forgotten = [new ForgottenPhotos(made), new ForgottenPhotos(made.toReversed())];
      for (const uri of asked) {
        const expected = given.some(
          ({ isPrefix, text, before }) =>
            (isPrefix ? uri.startsWith(text) : uri === text) && (before === null || announcedAtMs < before),
        );
        for (const list of forgotten) expect(list.has(uri, announcedAtMs)).toBe(expected);
      }
    }),
  );
});

test("of two rules of one photo the stricter one counts", () => {
  const ruleOf = (announcedBeforeMs: number | null) => photoRule("s3://b/k", announcedBeforeMs);
  expect(new Set([ruleOf(null), ruleOf(1), ruleOf(2)].map(ruleKey)).size).toBe(1);
  expect(stricter(ruleOf(1), ruleOf(2))).toEqual(ruleOf(2));
  expect(stricter(ruleOf(2), ruleOf(1))).toEqual(ruleOf(2));
  expect(stricter(ruleOf(2), ruleOf(null))).toEqual(ruleOf(null));
});

test("rules name nobody", () => {
  const texts = JSON.stringify([photoRule("s3://photos/alice.jpg", null), prefixRule("s3://photos/alice", 5)]);
  expect(texts).not.toContain("alice");
});
