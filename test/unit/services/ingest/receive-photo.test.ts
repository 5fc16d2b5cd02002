import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { receivePhoto } from "#services/ingest/receive-photo.ts";

const jpeg = Buffer.concat([Buffer.from("ffd8ffe0", "hex"), Buffer.alloc(200, 7)]);

/** A body that counts the chunks that were taken from it. */
function bodyOf(bytes: Buffer, chunkBytes: number) {
  let taken = 0;
  const chunks = function* () {
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      taken += 1;
      yield bytes.subarray(start, start + chunkBytes);
    }
  };
  return { body: Readable.from(chunks(), { highWaterMark: 1 }), taken: () => taken };
}

describe("receivePhoto", () => {
  it.each([1, 7, 64, 65, 1000])("reads a photo that comes in chunks of %i bytes", async (chunkBytes) => {
    const { bytes, format } = await receivePhoto(bodyOf(jpeg, chunkBytes).body, jpeg.length);
    expect(Buffer.from(bytes).equals(jpeg)).toBe(true);
    expect(format).toBe("jpeg");
  });

  it("takes a photo that is shorter than what is sniffed", async () => {
    expect(await receivePhoto(Readable.from([Buffer.from("GIF89a..")]), 100)).toMatchObject({ format: "gif" });
  });

  it("refuses one byte above the bound as soon as it is there", async () => {
    const { body, taken } = bodyOf(jpeg, 10);
    await expect(receivePhoto(body, 99)).rejects.toMatchObject({ code: "too-large" });
    expect(taken()).toBeLessThan(14);
  });

  it("refuses what begins like no photo without reading on, and leaves the stream open for the answer", async () => {
    const { body, taken } = bodyOf(Buffer.alloc(100_000, "a"), 64);
    await expect(receivePhoto(body, 1_000_000)).rejects.toMatchObject({ code: "unsupported-format" });
    expect(taken()).toBeLessThan(5);
    expect(body.destroyed).toBe(false);
  });

  it("refuses an empty body", async () => {
    await expect(receivePhoto(Readable.from([]), 10)).rejects.toMatchObject({ code: "unsupported-format" });
  });
});
