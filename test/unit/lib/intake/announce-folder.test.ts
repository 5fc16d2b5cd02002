import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { announceFolder } from "#lib/intake/announce-folder.ts";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import type { PhotoFault } from "#lib/intake/photo-fault.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { type PhotoNames, photoNames } from "#lib/photo/photo-suffixes.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { md5 } from "#lib/store/folder/object-file.ts";

let folder: string;
let announced: PhotoArrived[];
let faults: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-announce-folder-"));
  announced = [];
  faults = [];
  await mkdir(join(folder, "apple"));
  for (const name of ["1.jpg", "2.jpg", "notes.txt", ".hidden.jpg"]) await writeFile(join(folder, "apple", name), name);
});
afterEach(() => rm(folder, { recursive: true }));

function announce(
  isAnnounced: (key: string, etag: string) => boolean,
  signal = new AbortController().signal,
  names = photoNames(),
) {
  const announcer = new PhotoAnnouncer(async (records) => {
    announced.push(...records.map(({ value }) => photoArrivedCodec.decode(value)));
  }, systemClock);
  const options = {
    folder,
    bucket: "local",
    keyOf: (path: string) => path.slice(1),
    names,
    unlabelled: /^inbox$/,
    isAnnounced,
    onFault: (fault: PhotoFault) => faults.push(fault.message),
  };
  const hooks = { clock: { nowMs: systemClock.nowMs, sleep: async () => undefined }, signal, onRetry: () => undefined };
  return announceFolder(announcer, options, hooks, () => undefined);
}

it("announces each photo where it lies, with its content's etag, its label and the file's time", async () => {
  await utimes(join(folder, "apple", "1.jpg"), 1_000_000, 1_000_000);
  expect(await announce(() => false)).toMatchObject({ announced: 2, existing: 0, skipped: 2 });
  const first = announced.find(({ key }) => key.endsWith("/1.jpg"));
  expect(first).toMatchObject({
    bucket: "local",
    key: join(folder, "apple", "1.jpg").slice(1),
    etag: md5(Buffer.from("1.jpg")),
    sizeBytes: 5,
    label: "apple",
    capturedAtMs: 1_000_000_000,
    capturedAtSource: "object",
  });
});

it("leaves out what was announced with the same content", async () => {
  const known = md5(Buffer.from("2.jpg"));
  expect(await announce((_, etag) => etag === known)).toMatchObject({ announced: 1, existing: 1 });
  expect(announced.map(({ sizeBytes, key }) => [sizeBytes, key.slice(-5)])).toEqual([[5, "1.jpg"]]);
});

it("ends with the signal's reason", async () => {
  const reason = new Error("enough");
  await expect(announce(() => false, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(announced).toEqual([]);
});

it("names what can't be read, counts it, and goes on", async () => {
  await writeFile(join(folder, "apple", "IMG_3"), Buffer.from("ffd8ffe0", "hex"));
  execFileSync("mkfifo", [join(folder, "apple", "pipe.jpg")]);
  const names: PhotoNames = (path) => {
    if (path.endsWith("2.jpg")) rmSync(join(folder, "apple", "2.jpg"), { force: true });
    return photoNames()(path);
  };
  expect(await announce(() => false, undefined, names)).toMatchObject({ announced: 2, failed: 2, skipped: 2 });
  expect(announced.map(({ key }) => key.slice(-5)).sort()).toEqual(["1.jpg", "IMG_3"]);
  expect(faults.sort()).toEqual([
    expect.stringMatching(/apple\/2\.jpg": .* does not exist$/),
    expect.stringMatching(/apple\/pipe\.jpg": this is a pipe/),
  ]);
});

it.runIf(process.platform === "linux")("gives up a file that its disk fails at for ever, and goes on", async () => {
  // Its first bytes are no memory of ours: reading them fails with EIO, as a bad block does.
  await symlink("/proc/self/mem", join(folder, "apple", "bad.jpg"));
  expect(await announce(() => false)).toMatchObject({ announced: 2, failed: 1 });
  expect(faults).toEqual([expect.stringMatching(/bad\.jpg": given up after \d attempts, .*EIO/)]);
});
