import { expect, test } from "vitest";
import { checkAnnouncedBucket, photosBucketOf } from "#ops/pipeline/announced-bucket.ts";

function check(bucket: string, env: Record<string, string>): string[] {
  const notes: string[] = [];
  checkAnnouncedBucket(bucket, { env, note: (line) => notes.push(line) });
  return notes;
}

test("a bucket that featurizers read is announced without a word", () => {
  expect(check("photos", {})).toEqual([]);
  expect(check("mine", { PHOTOS_BUCKET: "mine" })).toEqual([]);
  expect(check("b", { FEATURIZER_BUCKETS: "a, b" })).toEqual([]);
});

test("a bucket that featurizers don't read by default gets a warning with what to set", () => {
  expect(check("old", { PHOTOS_BUCKET: "mine" })).toEqual([
    expect.stringMatching(
      /^photos of bucket "old" would be dead letters .* set FEATURIZER_BUCKETS=mine,old for every featurizer$/,
    ),
  ]);
});

test("a bucket that FEATURIZER_BUCKETS lacks is refused", () => {
  expect(() => check("photos", { FEATURIZER_BUCKETS: "a,b" })).toThrow(
    expect.objectContaining({
      code: "usage",
      message: expect.stringMatching(/FEATURIZER_BUCKETS is a,b; set FEATURIZER_BUCKETS=a,b,photos for every/),
    }),
  );
});

test("photos are stored in PHOTOS_BUCKET, or in photos", () => {
  expect(photosBucketOf({ env: { PHOTOS_BUCKET: "mine" } })).toBe("mine");
  expect(photosBucketOf({ env: {} })).toBe("photos");
});
