import { readFileSync } from "node:fs";
import sharp from "sharp";
import { afterEach, expect, test } from "vitest";
import { DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { DecoderProcess } from "#lib/photo/decoder-process.ts";
import { GuardedDecoder } from "#lib/photo/guarded-decoder.ts";

const input = { width: 32, height: 32, resize: "stretch" as const };
const decode = { input, limits: DEFAULT_PHOTO_LIMITS };
const MIB = 1_048_576;

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function open(options: Partial<ConstructorParameters<typeof GuardedDecoder>[0]> = {}): GuardedDecoder {
  const decoder = new GuardedDecoder({ decode, decodesMax: 4, processesMax: 2, decodeMsMax: 30_000, ...options });
  opened.push(decoder);
  return decoder;
}

const noise = (side: number) =>
  sharp(Buffer.from(Array.from({ length: 3 * side * side }, (_, index) => (index * 7_919) % 251)), {
    raw: { width: side, height: side, channels: 3 },
  });

test("light and heavy photos come out as they do without any guard", async () => {
  const decoder = open();
  const photos = await Promise.all([
    noise(40).jpeg().toBuffer(),
    noise(300).png().toBuffer(),
    noise(60).gif().toBuffer(),
    noise(60).tiff().toBuffer(),
    noise(60).avif({ effort: 0 }).toBuffer(),
  ]);
  const guarded = await Promise.all(photos.map((bytes) => decoder.decode(bytes)));
  for (const [index, bytes] of photos.entries()) {
    expect(guarded[index]).toEqual(await decodePhoto(bytes, decode));
  }
});

test("a photo that takes too long twice is refused, and the next one is decoded", async () => {
  const decoder = open({ decodeMsMax: 1 });
  const slow = await noise(700).avif({ effort: 0 }).toBuffer();
  await expect(decoder.decode(slow)).rejects.toMatchObject({
    code: "decoder-killed",
    message: expect.stringMatching(/decoded 2 times .* decoding it took more than 1 ms/),
  });
  await expect(decoder.decode(await noise(40).jpeg().toBuffer())).resolves.toMatchObject({ width: 40 });
});

test("a photo that takes more memory than it may costs the process and nothing else", async () => {
  const decoder = new DecoderProcess();
  opened.push(decoder);
  const large = await sharp({ create: { width: 4_000, height: 4_000, channels: 3, background: "#6a2" } })
    .avif({ effort: 0 })
    .toBuffer();
  const bounds = { bytesMax: MIB, msMax: 60_000 };
  await expect(decoder.decode(large, decode, bounds)).rejects.toThrow(/more than 1 MiB of memory/);
  const small = await noise(60).gif().toBuffer();
  await expect(decoder.decode(small, decode, { ...bounds, bytesMax: 64 * MIB })).resolves.toMatchObject({ width: 60 });
});

test.runIf(process.platform === "linux")("a decoder that dies twice on a photo makes it a dead letter", async () => {
  const decoder = open({ processesMax: 1 });
  await decoder.decode(await noise(20).gif().toBuffer());
  const slow = await sharp({ create: { width: 4_000, height: 4_000, channels: 3, background: "#6a2" } })
    .avif({ effort: 0 })
    .toBuffer();
  const killing = setInterval(() => {
    for (const pid of decoderPids()) process.kill(pid, "SIGKILL");
  }, 50);
  await expect(decoder.decode(slow).finally(() => clearInterval(killing))).rejects.toMatchObject({
    code: "decoder-killed",
    message: expect.stringContaining("it ended its decoder (SIGKILL)"),
  });
  await expect(decoder.decode(slow)).resolves.toMatchObject({ photoWidth: 4_000 });
});

test("scans behind more markers than a photo has are counted apart from the event loop", async () => {
  const progressive = await noise(64).jpeg({ progressive: true }).toBuffer();
  const secondScan = progressive.indexOf("ffda", progressive.indexOf("ffda", 0, "hex") + 2, "hex");
  const markers = Buffer.alloc(600_000, Buffer.from([0xff, 0]));
  const photo = Buffer.concat([progressive.subarray(0, secondScan), markers, progressive.subarray(secondScan)]);
  const decoder = open({ decode: { ...decode, limits: { ...DEFAULT_PHOTO_LIMITS, scansMax: 2 } } });
  await expect(decoder.decode(photo)).rejects.toMatchObject({
    code: "pixel-limit",
    message: expect.stringMatching(/a JPEG of \d+ scans/),
  });
});

test("closing says nothing of the photos that are being decoded", async () => {
  const decoder = open();
  const decoding = decoder.decode(await noise(700).avif({ effort: 0 }).toBuffer());
  setImmediate(() => decoder.close());
  await expect(decoding).rejects.toThrow("the decoder was closed");
});

/** Of this process, those children that run our decoder. */
function decoderPids(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim();
  return children
    .split(" ")
    .filter((pid) => pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("decoder-process-main"))
    .map(Number);
}

test("details are the photo's own, however many fail at the same time", async () => {
  const decoder = open();
  const kinds = { jpeg: /JPEG/i, png: /png/i, webp: /webp/i } as const;
  const jobs = Object.entries(kinds).flatMap(([format, says]) => Array.from({ length: 8 }, () => ({ format, says })));
  const outcomes = await Promise.all(
    jobs.map(async ({ format, says }) => {
      const whole = await noise(200)
        .toFormat(format as "jpeg")
        .toBuffer();
      const error = await decoder.decode(whole.subarray(0, whole.length / 2)).catch((thrown) => thrown);
      return { code: error.code, isOwn: says.test(error.message) && /ends too early/.test(error.message) };
    }),
  );
  expect(outcomes).toEqual(jobs.map(() => ({ code: "corrupt-image", isOwn: true })));
});
