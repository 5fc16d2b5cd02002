import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { describeModel, loadModelFolder } from "#lib/model/model-folder.ts";
import { fetchModel } from "#ops/models/fetch-model.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { RangeServer } from "./range-server.ts";

const never = new AbortController().signal;

let scratch: string;
let folder: string;
let cache: string;
beforeEach(async () => {
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-fetch-"));
  folder = join(scratch, "tiny");
  cache = join(scratch, "cache");
  await writeTinyModel(folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true });
});

test("a model's file comes into the cache, from where the model loads", async () => {
  const onnx = await readFile(join(folder, "tiny.onnx"));
  const server = await RangeServer.open(onnx);
  try {
    const sha256 = createHash("sha256").update(onnx).digest("hex");
    const manifest = JSON.parse(await readFile(join(folder, "model.json"), "utf8"));
    const download = { url: server.url, bytes: onnx.length };
    await writeFile(join(folder, "model.json"), JSON.stringify({ ...manifest, sha256, download }));
    await rm(join(folder, "tiny.onnx"));

    await expect(loadModelFolder(folder, cache)).rejects.toThrow("models fetch tiny");
    await fetchModel(await describeModel(folder, cache), never);
    const onnxPath = join(cache, `${sha256.slice(0, 12)}-tiny.onnx`);
    expect(await loadModelFolder(folder, cache)).toMatchObject({ onnxPath });
    expect((await readFile(onnxPath)).equals(onnx)).toBe(true);
  } finally {
    await server.close();
  }
});

test("a model that comes whole has nothing to fetch", async () => {
  await expect(fetchModel(await describeModel(folder, cache), never)).rejects.toMatchObject({
    code: "usage",
    message: "tiny has nothing to fetch: its model.json names no download",
  });
});
