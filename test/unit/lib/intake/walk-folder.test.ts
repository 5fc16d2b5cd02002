import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { walkFolder } from "#lib/intake/walk-folder.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

let scratch: string;
/** Of a name that is no label. */
let folder: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-walk-"));
  folder = join(scratch, "photos");
  await mkdir(folder);
});
afterEach(() => rm(scratch, { recursive: true }));

async function write(...relativePaths: string[]): Promise<void> {
  for (const relativePath of relativePaths) {
    const path = join(folder, relativePath);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "x");
  }
}

async function walk(root = folder, onFile = async () => {}) {
  const skipped: Record<string, string[]> = {};
  const options = {
    unlabelled: new RegExp(UNLABELLED_FOLDERS),
    onSkipped: (why: string, path: string) => {
      skipped[why] = [...(skipped[why] ?? []), path.slice(folder.length + 1)];
    },
  };
  const files: [relativePath: string, label: string | null][] = [];
  for await (const { relativePath, label } of walkFolder(root, options)) {
    files.push([relativePath, label]);
    await onFile();
  }
  return { files, paths: files.map(([path]) => path), skipped };
}

it.each([
  ["of a name that is no label", "photos"],
  ["of a name that is one", "m"],
])("gives the files of a folder %s in the order in which S3 lists them", async (_, name) => {
  folder = join(scratch, name);
  await write("a/1.jpg", "a.jpg", "a b/1.jpg", "a-b.jpg", "a0.jpg", "A.jpg", "z/1.jpg", "a/b/2.jpg");
  await write("\u{1f34e}.jpg", "\uffee.jpg", "\u{1f34e}/1.jpg", "\uffee/1.jpg");
  const { paths } = await walk();
  const store = createMemoryObjectStore(["photos"]);
  for (const key of paths) await store.put({ bucket: "photos", key }, Buffer.from("x"));
  const listed: string[] = [];
  for await (const { key } of store.list("photos", "")) listed.push(key);
  expect(paths).toEqual(listed);
  expect(paths).toHaveLength(12);
});

it("labels each file by its folder, and files that lie directly in the walked one by that", async () => {
  await write("Kiwi/1.jpg", "Kiwi/small/2.jpg", "inbox/3.jpg", "4.jpg");
  expect((await walk()).files).toEqual([
    ["4.jpg", null],
    ["Kiwi/1.jpg", "Kiwi"],
    ["Kiwi/small/2.jpg", "small"],
    ["inbox/3.jpg", null],
  ]);
  expect((await walk(join(folder, "Kiwi"))).files).toEqual([
    ["Kiwi/1.jpg", "Kiwi"],
    ["small/2.jpg", "small"],
  ]);
});

it("keeps files apart from those of a folder below that has the same name", async () => {
  await write("Kiwi/1.jpg", "Kiwi/Kiwi/1.jpg");
  expect((await walk(join(folder, "Kiwi"))).files).toEqual([
    ["1.jpg", "Kiwi"],
    ["Kiwi/1.jpg", "Kiwi"],
  ]);
});

it("follows links, but none in a circle, and tells of what it leaves out", async () => {
  await write("b.jpg", "a/2.jpg", "c/d/e.jpg", ".DS_Store", ".git/x.jpg", "a/._1.jpg");
  await symlink(join(folder, "b.jpg"), join(folder, "link.jpg"));
  await symlink(join(folder, "a"), join(folder, "linked"));
  await symlink(folder, join(folder, "c", "circle"));
  await symlink(join(folder, "nowhere"), join(folder, "broken.jpg"));
  const { paths, skipped } = await walk();
  expect(paths).toEqual(["a/2.jpg", "b.jpg", "c/d/e.jpg", "link.jpg", "linked/2.jpg"]);
  for (const names of Object.values(skipped)) names.sort();
  expect(skipped).toEqual({
    hidden: [".DS_Store", ".git", "a/._1.jpg", "linked/._1.jpg"],
    "broken links": ["broken.jpg"],
    "links in a circle": ["c/circle"],
  });
});

it("leaves out a folder that can't be listed, and tells of it", async () => {
  await write("a/1.jpg", "gone/2.jpg", "z/3.jpg");
  // Permissions would not keep root out, so the folder goes while its parent is walked.
  const { paths, skipped } = await walk(folder, () => rm(join(folder, "gone"), { recursive: true, force: true }));
  expect(paths).toEqual(["a/1.jpg", "z/3.jpg"]);
  expect(skipped).toEqual({ "unreadable folders": ["gone"] });
});

it("says usage for what is no folder", async () => {
  await expect(walk(join(folder, "missing"))).rejects.toMatchObject({ code: "usage" });
});
