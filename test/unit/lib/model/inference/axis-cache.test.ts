import { describe, expect, test } from "vitest";
import { AxisCache } from "#lib/model/inference/axis-cache.ts";
import { resizeWeights } from "#lib/model/resize-weights.ts";

const axis = (sourceSize: number) => ({
  ...{ sourceSize, resizedSize: 4, cropOffset: 0, targetSize: 4 },
  part: { start: 0, size: sourceSize },
});
const bytesOf = (sourceSize: number) => 4 * 4 * sourceSize;

describe("a cache of axes", () => {
  test("computes an axis once", () => {
    const cache = new AxisCache(resizeWeights, bytesOf(10));
    const weights = cache.get(axis(10));
    expect(weights).toEqual(resizeWeights(axis(10)));
    expect(cache.get(axis(10))).toBe(weights);
  });

  test("tells crops of one size apart", () => {
    const cache = new AxisCache(resizeWeights, 1000);
    const left = cache.get({ ...axis(10), resizedSize: 8, cropOffset: 0 });
    expect(cache.get({ ...axis(10), resizedSize: 8, cropOffset: 4 })).not.toEqual(left);
  });

  test("tells parts of one axis apart", () => {
    const cache = new AxisCache(resizeWeights, 1000);
    const enlarged = { ...axis(10), resizedSize: 40, cropOffset: 18 };
    expect(cache.get(enlarged)).toHaveLength(40);
    const middle = cache.get({ ...enlarged, part: { start: 2, size: 6 } });
    expect(middle).toHaveLength(24);
    expect(cache.get({ ...enlarged, part: { start: 3, size: 6 } })).not.toEqual(middle);
  });

  test("drops what was used longest ago when it is full", () => {
    const cache = new AxisCache(resizeWeights, bytesOf(10) + bytesOf(11));
    const [ten, eleven] = [cache.get(axis(10)), cache.get(axis(11))];
    expect(cache.get(axis(10))).toBe(ten);
    cache.get(axis(9));
    expect(cache.get(axis(10))).toBe(ten);
    expect(cache.get(axis(11))).not.toBe(eleven);
  });

  test("keeps a single matrix that is larger than its bound", () => {
    const cache = new AxisCache(resizeWeights, 1);
    const weights = cache.get(axis(10));
    expect(cache.get(axis(10))).toBe(weights);
  });
});
