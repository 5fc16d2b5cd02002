import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Moments } from "#lib/pca/moments.ts";
import { decodeMoments, encodeMoments } from "#lib/pca/moments-codec.ts";
import { PcaError } from "#lib/pca/pca-error.ts";

const moments: Moments = {
  dimensions: 2,
  count: 5,
  mean: Float64Array.of(Math.PI, -0),
  scatter: Float64Array.of(1 / 3, -2, 5e-324),
};
const checkpoint = { model: "mobilenet-äöü", run: "live", tableVersion: 17, moments };
const subject = { model: checkpoint.model, run: checkpoint.run, dimensions: 2 };

describe("a checkpoint of moments", () => {
  test("decodes to the same bits, wherever in a buffer it lies", () => {
    const bytes = encodeMoments(checkpoint);
    const shifted = Buffer.concat([Buffer.of(0, 1, 2), bytes]).subarray(3);

    expect(decodeMoments(bytes, subject)).toEqual(checkpoint);
    expect(decodeMoments(shifted, subject)).toEqual(checkpoint);
  });

  test("decodes into memory of its own", () => {
    const bytes = encodeMoments(checkpoint);
    const decoded = decodeMoments(bytes, subject);

    bytes.fill(0);

    expect(decoded).toEqual(checkpoint);
  });

  test("is refused when a bit is flipped or its end is missing", () => {
    const bytes = encodeMoments(checkpoint);
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const flipped = Uint8Array.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expectCorrupt(flipped);
      }),
    );
    for (let length = 0; length < bytes.length; length++) expectCorrupt(bytes.subarray(0, length));
    expectCorrupt(Buffer.concat([bytes, Buffer.of(0)]));
  });

  test("whose digest is right but whose lengths are not is refused", () => {
    const bytes = encodeMoments(checkpoint);
    const body = Buffer.from(bytes.subarray(0, bytes.length - 32));
    expectCorrupt(withDigest(body.subarray(0, body.length - 8)));
    body.writeUInt32LE(0xffffffff, 8);
    expectCorrupt(withDigest(body));
  });

  test.each(["no JSON", "null", '{"count":"many","tableVersion":1}', '{"count":-1,"tableVersion":1}', '{"count":1}'])(
    "whose digest is right but whose header is %s is refused",
    (text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      expectCorrupt(withDigest(Buffer.concat([Buffer.from("FSMOMNT1"), length, Buffer.from(text)])));
    },
  );

  test.each([
    [{ ...subject, model: "resnet50" }, "the checkpoint's model is mobilenet-äöü, not resnet50"],
    [{ ...subject, run: "replay" }, "the checkpoint's run is live, not replay"],
    [{ ...subject, dimensions: 3 }, "the checkpoint's dimensions is 2, not 3"],
  ])("of another subject is refused as such", (other, message) => {
    const decode = () => decodeMoments(encodeMoments(checkpoint), other);

    expect(decode).toThrow(message);
    expect(decode).toThrow(expect.objectContaining({ code: "other-subject" }));
  });
});

function withDigest(body: Uint8Array): Uint8Array {
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

function expectCorrupt(bytes: Uint8Array): void {
  expect(() => decodeMoments(bytes, subject)).toThrow(PcaError);
  expect(() => decodeMoments(bytes, subject)).toThrow(expect.objectContaining({ code: "corrupt-bytes" }));
}
