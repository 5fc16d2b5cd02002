import { basename, isAbsolute } from "node:path";
import { expect, test } from "vitest";
import { describeModel } from "#lib/model/model-folder.ts";
import { findModelFolder, listModelFolders } from "#lib/model/model-places.ts";

const ZOO = { "mobilenetv2-12": 1280, "resnet18-v1-7": 512, "resnet50-v1-12": 2048, "vgg16-12": 4096 };

test.each(Object.entries(ZOO))("%s of the zoo is found by its name", async (name, dimension) => {
  const folder = findModelFolder(name);
  expect(isAbsolute(folder)).toBe(true);
  expect(await listModelFolders()).toContain(folder);
  const { manifest, labels, id } = await describeModel(name);
  expect(manifest).toMatchObject({ name, dimension, download: { url: expect.stringContaining(`${name}.onnx`) } });
  expect(labels).toHaveLength(1000);
  expect(id).toMatch(`${name}-`);
});

test.each(["./vgg16-12", "models/zoo/vgg16-12", "/somewhere/vgg16-12", "no-such-model"])("%s is a path", (path) => {
  expect(findModelFolder(path)).toBe(path);
});

test("every model that comes with the project is called by its folder's name", async () => {
  const folders = await listModelFolders();
  const named = await Promise.all(folders.map(async (folder) => (await describeModel(folder)).manifest.name));
  expect(named).toEqual(folders.map((folder) => basename(folder)));
});
