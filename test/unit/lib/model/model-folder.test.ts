import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeModel, loadModelFolder } from "#lib/model/model-folder.ts";

const onnx = Buffer.from("stands for an ONNX file; loading the folder does not open it");
const manifest = {
  name: "tiny",
  onnx: "weights/tiny.onnx",
  input: { name: "x", width: 8, height: 6, layout: "NCHW", channelOrder: "RGB", resize: "stretch" },
  scaling: "x/255",
  outputs: { features: "features", classes: { name: "logits", kind: "logits" } },
  labels: "labels.txt",
  source: "https://example.org/tiny",
  licence: "Apache-2.0",
};

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "fruitstream-model-"));
  folder = join(root, "tiny");
  await mkdir(join(folder, "weights"), { recursive: true });
  await writeFile(join(folder, "weights/tiny.onnx"), onnx);
  await writeFile(join(folder, "labels.txt"), "apple\r\npear, any kind\n");
  await writeManifest({});
});
afterEach(() => rm(root, { recursive: true }));

describe("loadModelFolder", () => {
  test("reads manifest, labels and the ONNX file's place", async () => {
    const model = await loadModelFolder(folder);
    expect(model).toMatchObject({ onnxPath: join(folder, "weights/tiny.onnx"), labels: ["apple", "pear, any kind"] });
    expect(model.id).toMatch(/^tiny-[0-9a-f]{12}$/);
    expect(model.manifest.topK).toBe(5);
  });

  test("gives a model without classes no labels", async () => {
    await writeManifest({ outputs: { features: "features" }, labels: undefined });
    expect((await loadModelFolder(folder)).labels).toBeNull();
  });

  test("keeps the id when only the place, the source or the order of fields changes", async () => {
    const { id } = await loadModelFolder(folder);
    const moved = join(root, "moved");
    await cp(folder, moved, { recursive: true });
    await cp(join(folder, "weights/tiny.onnx"), join(root, "elsewhere.onnx"));
    const reordered = Object.fromEntries(Object.entries({ ...manifest, onnx: "../elsewhere.onnx" }).reverse());
    await writeFile(join(moved, "model.json"), JSON.stringify({ ...reordered, source: "https://example.org/mirror" }));
    expect((await loadModelFolder(moved)).id).toBe(id);
  });

  test.each([
    { what: "the scaling", change: () => writeManifest({ scaling: "none" }) },
    {
      what: "the resize",
      change: () => writeManifest({ input: { ...manifest.input, resize: { shorterSide: 8, centreCrop: true } } }),
    },
    { what: "the weights", change: () => writeFile(join(folder, "weights/tiny.onnx"), "other weights") },
    { what: "a label", change: () => writeFile(join(folder, "labels.txt"), "apple\npear\n") },
  ])("changes the id with $what", async ({ change }) => {
    const { id } = await loadModelFolder(folder);
    await change();
    expect((await loadModelFolder(folder)).id).not.toBe(id);
  });

  test("verifies the SHA-256 when one is given", async () => {
    const sha256 = createHash("sha256").update(onnx).digest("hex");
    await writeManifest({ sha256 });
    await expect(loadModelFolder(folder)).resolves.toBeDefined();
    await writeManifest({ sha256: sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) });
    await expect(loadModelFolder(folder)).rejects.toMatchObject({
      code: "invalid-model",
      message: expect.stringContaining(sha256),
    });
  });

  test.each([
    { path: "model.json", change: () => rm(join(folder, "model.json")) },
    { path: "gone.onnx", change: () => writeManifest({ onnx: "gone.onnx" }) },
    { path: "gone.txt", change: () => writeManifest({ labels: "gone.txt" }) },
    { path: "line 2 of", change: () => writeFile(join(folder, "labels.txt"), "apple\n\npear\n") },
  ])("names what is wrong: $path", async ({ path, change }) => {
    await change();
    await expect(loadModelFolder(folder)).rejects.toMatchObject({
      code: "invalid-model",
      message: expect.stringContaining(path),
    });
  });

  test("finds a fetched file, and prefers one in the folder", async () => {
    const sha256 = createHash("sha256").update(onnx).digest("hex");
    await writeManifest({ sha256, onnx: "big.onnx", download: { url: "https://example.org/big.onnx", bytes: 1 } });
    const cache = join(root, "cache");
    const fetched = join(cache, `${sha256.slice(0, 12)}-big.onnx`);
    await mkdir(cache);
    await writeFile(fetched, onnx);
    expect(await loadModelFolder(folder, cache)).toMatchObject({ onnxPath: fetched });
    await writeFile(join(folder, "big.onnx"), onnx);
    expect(await loadModelFolder(folder, cache)).toMatchObject({ onnxPath: join(folder, "big.onnx") });
  });

  test("says how to get a file that was not fetched, and knows the model's id before", async () => {
    const sha256 = createHash("sha256").update(onnx).digest("hex");
    await writeManifest({ sha256, onnx: "big.onnx", download: { url: "https://example.org/big.onnx", bytes: 1 } });
    const loading = loadModelFolder(folder, join(root, "cache"));
    await expect(loading).rejects.toThrow(
      /big\.onnx; run `fruitstream models fetch tiny`, or put https:\/\/example\.org/,
    );
    const described = await describeModel(folder, join(root, "cache"));
    await writeFile(join(folder, "big.onnx"), onnx);
    expect(described).toMatchObject({ isPresent: false, id: (await loadModelFolder(folder)).id });
  });

  test.each(["mobilenet_v2", "resnet50", "resnet18"])("loads the test model %s", async (name) => {
    const path = fileURLToPath(new URL(`../../../models/${name}`, import.meta.url));
    expect(await loadModelFolder(path)).toMatchObject({ id: expect.stringMatching(`^${name}-`) });
  });
});

async function writeManifest(change: Record<string, unknown>): Promise<void> {
  await writeFile(join(folder, "model.json"), JSON.stringify({ ...manifest, ...change }));
}
