import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { findPhotoFiles } from "#lib/intake/find-photo-files.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";

const JPEG = Buffer.from("\xff\xd8\xff\xe0 a photo", "latin1");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-find-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(relativePath: string | Buffer, content: Buffer = JPEG): Promise<void> {
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(relativePath as string)]);
  if (typeof relativePath === "string") await mkdir(dirname(path.toString()), { recursive: true });
  await writeFile(path, content);
}

async function find() {
  const skipped: string[] = [];
  const faults: string[] = [];
  const found: [path: string, label: string | null][] = [];
  const search = {
    folder,
    names: photoNames(),
    unlabelled: /^$/,
    onSkipped: (kind: string) => skipped.push(kind),
    onFault: ({ message }: Error) => faults.push(message.replace(folder, "")),
  };
  for await (const { relativePath, label } of findPhotoFiles(search)) found.push([relativePath, label]);
  return { found, paths: found.map(([path]) => path), skipped: skipped.sort(), faults: faults.sort() };
}

it("takes photos by suffix, and what has none by its first bytes", async () => {
  for (const name of ["1.jfif", "2.jpe", "3.mpo", "4.HIF", "5.bmp", "6.gif"]) await write(`kiwi/${name}`);
  await write("kiwi/IMG_0007");
  await write("kiwi/Screenshot at 10.30.45");
  await write("kiwi/Makefile", Buffer.from("all:\n"));
  await write("kiwi/short", Buffer.from("x"));
  await write("kiwi/8.jpg_original");
  const { paths, skipped, faults } = await find();
  expect(paths).toEqual(
    ["1.jfif", "2.jpe", "3.mpo", "4.HIF", "5.bmp", "6.gif", "IMG_0007", "Screenshot at 10.30.45"].map(
      (name) => `kiwi/${name}`,
    ),
  );
  expect(skipped).toEqual([".jpg_original", "without suffix", "without suffix"]);
  expect(faults).toEqual([]);
});

it("names what is no file under a photo's name, and goes on without hanging", async () => {
  await write("kiwi/1.jpg");
  await write("x.jpg/2.jpg");
  await symlink(join(folder, "nowhere"), join(folder, "kiwi", "dangling.jpg"));
  await symlink(join(folder, "nowhere"), join(folder, "kiwi", "current"));
  execFileSync("mkfifo", [join(folder, "kiwi", "pipe.jpg"), join(folder, "kiwi", "pipe")]);
  await symlink(join(folder, "kiwi", "pipe"), join(folder, "kiwi", "to-pipe.jpg"));
  const server = createServer().listen(join(folder, "kiwi", "socket.jpg"));
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { found, skipped, faults } = await find();
  expect(found).toEqual([
    ["kiwi/1.jpg", "kiwi"],
    ["x.jpg/2.jpg", "x.jpg"],
  ]);
  expect(faults).toEqual([
    '"/kiwi/dangling.jpg": the link leads to nothing',
    '"/kiwi/pipe.jpg": this is a pipe, a socket or a device, and no file',
    '"/kiwi/socket.jpg": this is a pipe, a socket or a device, and no file',
    '"/kiwi/to-pipe.jpg": this is a pipe, a socket or a device, and no file',
  ]);
  expect(skipped).toEqual(["broken links", "pipes, sockets and devices"]);
});

it.runIf(process.platform === "linux")("names a file whose name is not UTF-8", async () => {
  await write(Buffer.from("\xe4pfel.jpg", "latin1"));
  await write("z.jpg");
  const { paths, faults } = await find();
  expect(paths).toHaveLength(1);
  expect(faults).toEqual([expect.stringContaining("its name is not UTF-8")]);
});

it.runIf(process.platform === "linux")(
  "gives both normal forms of a label as one, and keeps the paths as they are",
  async () => {
    await write("gr\u00f6\u00dfe/a.jpg");
    await write("gro\u0308\u00dfe/a.jpg");
    expect((await find()).found.sort()).toEqual([
      ["gro\u0308\u00dfe/a.jpg", "gr\u00f6\u00dfe"],
      ["gr\u00f6\u00dfe/a.jpg", "gr\u00f6\u00dfe"],
    ]);
  },
);

it("names the character of a name or a label that can't be seen", async () => {
  await write("kiwi/\u202egpj.jpg");
  await write("ki\u200bwi/1.jpg");
  await write("\u{1f469}\u200d\u{1f33e}/1.jpg");
  const { paths, faults } = await find();
  expect(paths).toEqual(["\u{1f469}\u200d\u{1f33e}/1.jpg"]);
  expect(faults).toEqual([
    expect.stringMatching(/^"\/ki\\u\{200b\}wi\/1\.jpg": its label, .* holds U\+200B, .* rename the folder$/),
    expect.stringMatching(/^"\/kiwi\/\\u\{202e\}gpj\.jpg": its name holds U\+202E, .* rename it$/),
  ]);
});
