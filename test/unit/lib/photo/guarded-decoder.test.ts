import sharp from "sharp";
import { afterEach, expect, test, vi } from "vitest";
import { DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import { DecoderProcess } from "#lib/photo/decoder-process.ts";
import { GuardedDecoder } from "#lib/photo/guarded-decoder.ts";

afterEach(() => void vi.restoreAllMocks());

test("a photo that waits for a decoder process when all are closed starts none", async () => {
  const ended = Promise.withResolvers<never>();
  const decodes = vi.spyOn(DecoderProcess.prototype, "decode").mockReturnValue(ended.promise);
  const closes = vi.spyOn(DecoderProcess.prototype, "close");
  const input = { width: 32, height: 32, resize: "stretch" as const };
  const decode = { input, limits: DEFAULT_PHOTO_LIMITS };
  const decoder = new GuardedDecoder({ decode, decodesMax: 1, processesMax: 1, decodeMsMax: 1_000 });
  const gif = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .gif()
    .toBuffer();
  const photos = [gif, gif, gif].map((bytes) => decoder.decode(bytes));
  const outcomes = Promise.allSettled(photos);
  await vi.waitFor(() => expect(decodes).toHaveBeenCalledOnce());
  decoder.close();
  expect(closes).toHaveBeenCalledOnce();
  ended.reject(new Error("the process is gone"));
  const closed = { status: "rejected", reason: expect.objectContaining({ message: "the decoder was closed" }) };
  expect(await outcomes).toEqual([closed, closed, closed]);
  expect(decodes).toHaveBeenCalledOnce();
});
