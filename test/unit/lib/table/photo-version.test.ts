import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FINGERPRINT_BYTES, findRepeats, fingerprintKey, fingerprintOf } from "#lib/table/photo-version.ts";

describe("a fingerprint", () => {
  test("has 128 bits, the same in every version of the program", () => {
    const fingerprint = fingerprintOf({ run: "live", path: "s3://photos/Äpfel/1.jpg", etag: "9e107d9d" });
    expect(fingerprint).toHaveLength(FINGERPRINT_BYTES);
    expect(Buffer.from(fingerprint).toString("hex")).toMatchInlineSnapshot(`"abfade2cc14b4b7501ca1de233a7c6d9"`);
  });

  test("differs where run, path or etag differ, also where they make the same text one after the other", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "1", " "), maxLength: 3 });
    const version = fc.record({ run: part, path: part, etag: part });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const isSame = a.run === b.run && a.path === b.path && a.etag === b.etag;
        expect(fingerprintKey(fingerprintOf(a)) === fingerprintKey(fingerprintOf(b))).toBe(isSame);
      }),
    );
  });
});

describe("rows that repeat a photo version", () => {
  const row = (path: string, sourcePartition: number, sourceOffset: number, ingestedAtMs = 0) => ({
    ...{ run: "live", etag: "e", path, sourcePartition, sourceOffset, ingestedAtMs },
  });

  test("are all but the one that was announced first", () => {
    const [early, late, latest] = [row("a", 5, 9, 1), row("a", 0, 0, 2), row("a", 0, 1, 2)];
    expect(findRepeats([latest, early, row("b", 0, 2), late])).toEqual([latest, late]);
  });

  test("are none where the etag or the run differ", () => {
    expect(findRepeats([row("a", 0, 0), { ...row("a", 0, 1), etag: "f" }, { ...row("a", 0, 2), run: "r" }])).toEqual(
      [],
    );
  });

  test("are the same whatever the order of the rows, and leave one row of each version", () => {
    const small = fc.nat({ max: 2 });
    const rows = fc.uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c"), small, small, small), {
      selector: ([, partition, offset]) => `${partition}/${offset}`,
    });
    fc.assert(
      fc.property(
        rows.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          const repeatsOf = (placed: typeof all) =>
            new Set(findRepeats(placed.map((each) => row(...each))).map((each) => JSON.stringify(each)));
          const repeats = repeatsOf(all);
          expect(repeatsOf(shuffled)).toEqual(repeats);
          const left = all.map((each) => row(...each)).filter((each) => !repeats.has(JSON.stringify(each)));
          expect(left.map(({ path }) => path).sort()).toEqual([...new Set(all.map(([path]) => path))].sort());
        },
      ),
    );
  });
});
