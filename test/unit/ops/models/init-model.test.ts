import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { initModel } from "#ops/models/init-model.ts";
import { photoGraph } from "./photo-graph.ts";

let folder = "";
const path = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-init-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("initModel", () => {
  test("writes a model folder that loads", async () => {
    await writeFile(path("My net (v2).onnx"), photoGraph());
    await writeFile(path("labels.txt"), "apple\npear\n");
    const result = await initModel({
      onnxPath: path("My net (v2).onnx"),
      labelsPath: path("labels.txt"),
      name: undefined,
    });
    const model = await loadModelFolder(folder);
    expect(result).toMatchObject({ id: model.id, dimension: 3, manifestPath: path("model.json") });
    expect(model).toMatchObject({ labels: ["apple", "pear"], manifest: { name: "My-net-v2-", labels: "labels.txt" } });
    expect(model.manifest).not.toHaveProperty("source");
  });

  test("leaves a model.json that is there as it is", async () => {
    await writeFile(path("net.onnx"), photoGraph());
    await writeFile(path("model.json"), "mine");
    const attempt = initModel({ onnxPath: path("net.onnx"), labelsPath: undefined, name: undefined });
    await expect(attempt).rejects.toThrow(/is there already; move it away/);
    expect(await readFile(path("model.json"), "utf8")).toBe("mine");
  });

  test("leaves nothing behind when the model doesn't run", async () => {
    // Its weights are for 3 channels, but the axis that it takes for the channels has 8 rows.
    await writeFile(path("net.onnx"), photoGraph({ input: ["photos", 8, 6, 3], start: "pass" }));
    const attempt = initModel({ onnxPath: path("net.onnx"), labelsPath: undefined, name: undefined });
    await expect(attempt).rejects.toThrow(/can't load.*mismatch/);
    expect(existsSync(path("model.json"))).toBe(false);
  });

  test("names a file that can't be read", async () => {
    const attempt = initModel({ onnxPath: path("none.onnx"), labelsPath: undefined, name: undefined });
    await expect(attempt).rejects.toThrow(/can't read .*none\.onnx/);
  });
});
