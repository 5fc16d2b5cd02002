import { afterAll, expect, test } from "vitest";
import { openDecoder, photoOfCase, tryPhoto } from "./photo-case.ts";
import { openCorpus, type PhotoCorpus } from "./photo-corpus.ts";
import { recordOfCase, tryRecord } from "./record-case.ts";

/** The short form of `npm run fuzz`: always the same cases, over photos that a checkout has by itself. */
const PHOTO_CASES = 300;
const RECORD_CASES = 1_500;

const decoder = openDecoder();
afterAll(() => decoder.close());

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Every case with what is wrong with it, if it is; and how many became what they were tried as. */
function expectSound(
  results: readonly { number: number; outcome: string; problem: string | undefined }[],
  sound: string,
) {
  expect(results.filter(({ problem }) => problem !== undefined)).toEqual([]);
  const share = results.filter(({ outcome }) => outcome === sound).length / results.length;
  expect(share).toBeGreaterThan(0.05);
  expect(share).toBeLessThan(0.95);
}

test("mutated photos become pictures or dead letters", async () => {
  const corpus: PhotoCorpus = await openCorpus(false);
  const results = [];
  for (const number of numbers(PHOTO_CASES)) {
    results.push({ number, ...(await tryPhoto(decoder, photoOfCase(corpus, number).bytes)) });
  }
  expectSound(results, "row");
});

test("mutated records are taken or become dead letters", () => {
  const results = numbers(RECORD_CASES).map((number) => ({
    number,
    ...tryRecord(recordOfCase(number)),
  }));
  expectSound(results, "record");
});

test("a case is the same each time", async () => {
  const [one, other] = [await openCorpus(false), await openCorpus(false)];
  for (const number of [1, 2, 3, 4, 5]) {
    expect(photoOfCase(one, number)).toEqual(photoOfCase(other, number));
    expect(recordOfCase(number)).toEqual(recordOfCase(number));
  }
});
