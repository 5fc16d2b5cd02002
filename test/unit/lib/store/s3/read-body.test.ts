import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readBody } from "#lib/store/s3/read-body.ts";

describe("readBody", () => {
  it("joins the chunks, whatever their sizes", async () => {
    const body = Readable.from([Buffer.from("ab"), Buffer.alloc(0), Buffer.from("c")]);
    expect(Buffer.from(await readBody(body, 3, 3)).toString()).toBe("abc");
  });

  it("refuses a body that is shorter than its announced length", async () => {
    const body = Readable.from([Buffer.from("ab")]);
    await expect(readBody(body, 3, 10)).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("reads nothing of a body that is announced above the bound", async () => {
    const body = Readable.from([Buffer.alloc(11)]);
    await expect(readBody(body, 11, 10)).rejects.toMatchObject({ code: "too-large" });
    expect(body.destroyed).toBe(true);
    expect(body.readableDidRead).toBe(false);
  });

  it("stops at the bound when no length was announced", async () => {
    let produced = 0;
    const produce = function* () {
      for (;;) {
        produced += 1;
        yield Buffer.alloc(4);
      }
    };
    const endless = Readable.from(produce(), { highWaterMark: 1 });
    await expect(readBody(endless, undefined, 10)).rejects.toMatchObject({ code: "too-large" });
    expect(endless.destroyed).toBe(true);
    expect(produced).toBeLessThan(10);
  });
});
