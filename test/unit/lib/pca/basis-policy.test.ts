import { describe, expect, test } from "vitest";
import { type BasisState, basisDue, turnedTooFar } from "#lib/pca/basis-policy.ts";

const due = (rowCount: number, basisRowCount: number, consideredRowCount: number) =>
  basisDue({ rowCount, basisRowCount, consideredRowCount });

describe("a basis is due", () => {
  test("at first as soon as there is a variance", () => {
    expect([0, 1, 2, 100].map((rowCount) => due(rowCount, 0, 0))).toEqual(["keep", "keep", "publish", "publish"]);
  });

  test("whenever the rows have doubled or halved", () => {
    expect([199, 200, 5000].map((rowCount) => due(rowCount, 100, 190))).toEqual(["keep", "publish", "publish"]);
    expect([51, 50, 2].map((rowCount) => due(rowCount, 100, 51))).toEqual(["keep", "publish", "publish"]);
  });

  test("to be considered after a quarter more, or fewer, than at the last time", () => {
    expect([100, 124, 125, 199].map((rowCount) => due(rowCount, 100, 100))).toEqual([
      "keep",
      "keep",
      "consider",
      "consider",
    ]);
    expect([120, 149, 150].map((rowCount) => due(rowCount, 100, 120))).toEqual(["keep", "keep", "consider"]);
    expect([76, 75].map((rowCount) => due(rowCount, 100, 100))).toEqual(["keep", "consider"]);
  });

  test("a number of times that grows with the logarithm of the rows", () => {
    let state: BasisState = { rowCount: 0, basisRowCount: 0, consideredRowCount: 0 };
    const solved = { publish: 0, consider: 0 };
    for (let rowCount = 1; rowCount <= 1_000_000; rowCount++) {
      const verdict = basisDue({ ...state, rowCount });
      if (verdict === "keep") continue;
      solved[verdict]++;
      const basisRowCount = verdict === "publish" ? rowCount : state.basisRowCount;
      state = { rowCount, basisRowCount, consideredRowCount: rowCount };
    }
    expect(solved.publish).toBe(Math.floor(Math.log2(1_000_000)));
    expect(solved.consider).toBeLessThan(Math.log(1_000_000) / Math.log(1.1));
  });
});

test("a basis has turned too far when the largest of its angles passes the bound", () => {
  const turnedBy = (degrees: number) => {
    const angle = (degrees * Math.PI) / 180;
    return { dimensions: 4, components: Float64Array.of(0, 1, 0, 0, Math.cos(angle), 0, 0, Math.sin(angle)) };
  };
  const published = { dimensions: 4, components: Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0) };

  expect([0, 0.99, 1.01, 90].map((degrees) => turnedTooFar(published, turnedBy(degrees), 1))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
