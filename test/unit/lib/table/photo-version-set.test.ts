import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fingerprint, fingerprintOf } from "#lib/table/photo-version.ts";
import { PhotoVersionSet } from "#lib/table/photo-version-set.ts";

const fingerprints: Fingerprint[] = [];

function photo(index: number): Fingerprint {
  fingerprints[index] ??= fingerprintOf({ model: "m", run: "live", path: `s3://photos/${index}.jpg`, etag: "e" });
  return fingerprints[index];
}

function decoded(parts: Iterable<Uint8Array>, countMax: number): PhotoVersionSet {
  const set = new PhotoVersionSet(countMax);
  for (const part of parts) set.decode(part);
  return set;
}

test("is encoded in parts of so many at most", () => {
  const set = new PhotoVersionSet(100);
  expect([...set.encode(5)].map(({ byteLength }) => byteLength)).toEqual([0]);
  for (let index = 0; index < 10; index++) set.add(photo(index), 1_000);
  expect([...set.encode(5)].map(({ byteLength }) => byteLength)).toEqual([100, 100]);
  set.add(photo(10), 1_000);
  expect([...set.encode(5)].map(({ byteLength }) => byteLength)).toEqual([100, 100, 20]);
});

test("holds what was added, through growth, and nothing else", () => {
  const set = new PhotoVersionSet(100_000);
  for (let index = 0; index < 20_000; index++) set.add(photo(index), 1_000);
  expect(set.count).toBe(20_000);
  const found = Array.from({ length: 40_000 }, (_, index) => set.has(photo(index)));
  expect(found.indexOf(false)).toBe(20_000);
  expect(found.lastIndexOf(true)).toBe(19_999);
});

test("is a set, whatever is added, forgotten, encoded and decoded, as long as it is not full", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat({ max: 50 }), seconds: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ forgetBefore: fc.integer({ min: 1, max: 9 }) }),
    fc.constant("encode" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      let set = new PhotoVersionSet(51);
      const expected = new Map<number, number>();
      const take = (each: (typeof steps)[number]) => {
        if (each === "encode") set = decoded([...set.encode(7)], 51);
        else if ("add" in each) {
          set.add(photo(each.add), each.seconds * 1_000);
          expected.set(each.add, Math.max(each.seconds, expected.get(each.add) ?? 0));
        } else {
          set.forgetBefore(each.forgetBefore * 1_000);
          const old = [...expected].filter(([, seconds]) => seconds < each.forgetBefore);
          for (const [index] of old) expected.delete(index);
        }
      };
      for (const each of steps) {
        take(each);
        expect(set.count).toBe(expected.size);
        const held = Array.from({ length: 51 }, (_, index) => index).filter((index) => set.has(photo(index)));
        expect(held).toEqual([...expected.keys()].sort((a, b) => a - b));
      }
    }),
  );
});

describe("a full set", () => {
  test("forgets the oldest eighth, in whatever order they were added", () => {
    const times = Array.from({ length: 16 }, (_, index) => ((index * 7) % 16) + 1);
    const set = new PhotoVersionSet(16);
    for (const [index, seconds] of times.entries()) set.add(photo(index), seconds * 1_000);
    set.add(photo(99), 100_000);
    expect(set.count).toBe(15);
    expect(times.filter((_, index) => !set.has(photo(index))).sort()).toEqual([1, 2]);
    expect(set.has(photo(99))).toBe(true);
  });

  test("forgets no more than that where all are of one time, and takes as much memory as it says", () => {
    const set = new PhotoVersionSet(8_000);
    for (let index = 0; index < 8_001; index++) set.add(photo(index), 5_000);
    expect(set.count).toBe(7_001);
    expect(set.bytes).toBeLessThan(8_000 * 27);
  });

  test("takes from an encoded set that is larger the latest", () => {
    const set = new PhotoVersionSet(100);
    for (let index = 0; index < 100; index++) set.add(photo(index), index * 1_000 + 1_000);
    const smaller = decoded(set.encode(100), 16);
    expect(smaller.count).toBeLessThanOrEqual(16);
    expect(smaller.has(photo(99))).toBe(true);
  });
});
