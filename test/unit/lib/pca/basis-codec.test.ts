import { describe, expect, test } from "vitest";
import type { Basis } from "#lib/pca/basis.ts";
import { decodeBasis, encodeBasis } from "#lib/pca/basis-codec.ts";
import { PcaError } from "#lib/pca/pca-error.ts";

const basis: Basis = {
  version: 3,
  dimensions: 3,
  componentCount: 2,
  components: Float64Array.of(1, 0, -0, 0.1, 5e-324, 1 / 3),
  mean: Float64Array.of(Math.PI, -1e300, 7),
  explainedVariance: Float64Array.of(2.5, 0.1),
  explainedVarianceRatio: Float64Array.of(0.9, 0.05),
  totalVariance: 2.7777777777777777,
  rowCount: 12,
  residual: 1.5e-16,
  converged: true,
};

function altered(change: (document: Record<string, never>) => unknown): Uint8Array {
  const document = JSON.parse(Buffer.from(encodeBasis(basis)).toString());
  return Buffer.from(JSON.stringify(change(document) ?? document));
}

describe("an encoded basis", () => {
  test("decodes to the same bits", () => {
    expect(decodeBasis(encodeBasis(basis))).toEqual(basis);
  });

  test("says what it is", () => {
    const document = JSON.parse(Buffer.from(encodeBasis(basis)).toString());

    expect(document).toMatchObject({ format: "fruitstream-basis", formatVersion: 1, version: 3, rowCount: 12 });
    expect(document.components).toMatchObject({ type: "float64", byteOrder: "little-endian", shape: [2, 3] });
    expect(Buffer.from(document.components.base64, "base64").readDoubleLE(3 * 8)).toBe(0.1);
  });

  const arrayOf = (value: number) => Buffer.from(new Float64Array(3).fill(value).buffer).toString("base64");
  test.each([
    ["no JSON", Buffer.from("{"), "are no JSON"],
    ["no object", Buffer.from("7"), "the JSON is no object"],
    ["another format", altered((d) => ({ ...d, format: "x" })), "got x of 1"],
    ["a later format", altered((d) => ({ ...d, formatVersion: 2 })), "got fruitstream-basis of 2"],
    ["no version", altered((d) => ({ ...d, version: undefined })), '"version" can\'t be undefined'],
    ["more components than dimensions", altered((d) => ({ ...d, componentCount: 4 })), '"componentCount" can\'t be 4'],
    [
      "another shape",
      altered((d) => ({ ...d, dimensions: 4 })),
      '"components" must be an array of shape [2,4], got [2,3]',
    ],
    ["no array", altered((d) => ({ ...d, mean: null })), '"mean" must be an array of shape [3], got none'],
    ["a short array", altered((d) => ({ ...d, mean: { shape: [3], base64: "AAAA" } })), '"mean" holds 3 bytes'],
    ["infinity", altered((d) => ({ ...d, mean: { shape: [3], base64: arrayOf(Infinity) } })), "not finite"],
    ["a negative variance", altered((d) => ({ ...d, totalVariance: -1 })), '"totalVariance" can\'t be -1'],
    ["a word for a flag", altered((d) => ({ ...d, converged: "yes" })), '"converged" must be true or false'],
  ])("with %s is refused", (_, bytes, message) => {
    expect(() => decodeBasis(bytes)).toThrow(PcaError);
    expect(() => decodeBasis(bytes)).toThrow(message);
    expect(() => decodeBasis(bytes)).toThrow(expect.objectContaining({ code: "corrupt-bytes" }));
  });
});
