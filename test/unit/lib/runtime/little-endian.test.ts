import { describe, expect, test } from "vitest";
import { float32sOfBytes, float64sOfBytes, littleEndianBytes } from "#lib/runtime/little-endian.ts";

describe("values as little-endian bytes", () => {
  test("are what the wire and the checkpoints say, whatever the machine", () => {
    expect(littleEndianBytes(Float32Array.of(1, -2)).toString("hex")).toBe("0000803f000000c0");
    expect(littleEndianBytes(Float64Array.of(1, -2)).toString("hex")).toBe("000000000000f03f00000000000000c0");
  });

  test("come back to the bit, from a place of any alignment, in memory of their own", () => {
    const doubles = Float64Array.of(0.1, -0, Number.MAX_VALUE, Number.NaN);
    const floats = Float32Array.of(0.1, -0, Number.POSITIVE_INFINITY);
    const bytes = Buffer.concat([Buffer.alloc(3), littleEndianBytes(doubles), littleEndianBytes(floats)]);
    const read = float64sOfBytes(bytes.subarray(3, 3 + doubles.byteLength));
    expect(read).toEqual(doubles);
    expect(float32sOfBytes(bytes.subarray(3 + doubles.byteLength))).toEqual(floats);
    bytes.fill(0);
    expect(read).toEqual(doubles);
  });
});
