import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FINGERPRINT_BYTES, findRepeats, fingerprintKey, fingerprintOf } from "#lib/table/photo-version.ts";

describe("a fingerprint", () => {
  test("has 128 bits, the same in every version of the program", () => {
    const fingerprint = fingerprintOf({ model: "m", run: "live", path: "s3://photos/Äpfel/1.jpg", etag: "9e107d9d" });
    expect(fingerprint).toHaveLength(FINGERPRINT_BYTES);
    expect(Buffer.from(fingerprint).toString("hex")).toMatchInlineSnapshot(`"d0b0be624979820ea253e9870eed3fa4"`);
  });

  test("differs where model, run, path or etag differ, also where they make the same text one after the other", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "1", " "), maxLength: 3 });
    const version = fc.record({ model: part, run: part, path: part, etag: part });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const isSame = a.model === b.model && a.run === b.run && a.path === b.path && a.etag === b.etag;
        expect(fingerprintKey(fingerprintOf(a)) === fingerprintKey(fingerprintOf(b))).toBe(isSame);
      }),
    );
  });
});

describe("rows that repeat a photo version", () => {
  const row = (path: string, sourcePartition: number, sourceOffset: number, ingestedAtMs = 0) => ({
    ...{ model: "m", run: "live", etag: "e", path, sourcePartition, sourceOffset, ingestedAtMs },
  });

  test("are all but the one that was announced first", () => {
    const [early, late, latest] = [row("a", 5, 9, 1), row("a", 0, 0, 2), row("a", 0, 1, 2)];
    expect(findRepeats([latest, early, row("b", 0, 2), late])).toEqual([latest, late]);
  });

  test("are none where the etag, the run or the model differ", () => {
    expect(
      findRepeats([
        row("a", 0, 0),
        { ...row("a", 0, 1), etag: "f" },
        { ...row("a", 0, 2), run: "r" },
        { ...row("a", 0, 3), model: "n" },
      ]),
    ).toEqual([]);
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
