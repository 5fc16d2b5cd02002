import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModelFolder, type ModelFolder } from "#lib/model/model-folder.ts";
import { type Network, openNetwork } from "#lib/model/network.ts";

const FRUITS_360_CLASSES = 114;

describe.each([
  { name: "fruitnet", bytesMax: 3_000_000 },
  { name: "fruitnet-int8", bytesMax: 1_000_000 },
])("$name", ({ name, bytesMax }) => {
  let model: ModelFolder;
  let network: Network;
  beforeAll(async () => {
    model = await loadModelFolder(name);
    network = await openNetwork(model, 1);
  });
  afterAll(() => network.session.release());

  test("comes with the project, with a checked file, a label per class and a licence", async () => {
    const { manifest, labels, onnxPath, id } = model;
    expect(id).toMatch(new RegExp(`^${name}-[0-9a-f]{12}$`));
    expect(manifest.sha256).toBeDefined();
    expect(manifest.download).toBeUndefined();
    expect(manifest).toMatchObject({ dimension: 1280, licence: "Apache-2.0", outputs: { classes: {} } });
    expect(new Set(labels).size).toBe(FRUITS_360_CLASSES);
    expect(basename(onnxPath)).toMatch(/\.onnx$/);
    expect((await stat(onnxPath)).size).toBeLessThanOrEqual(bytesMax);
  });

  test("gives every photo of a batch 1280 features and probabilities that sum to 1", async () => {
    const { features, probabilities } = await run(noise(3, 1));
    expect(features.shape).toEqual([3, 1280]);
    expect(probabilities.shape).toEqual([3, FRUITS_360_CLASSES]);
    expect(Math.min(...features.data)).toBeGreaterThanOrEqual(0);
    for (const row of rowsOf(probabilities)) {
      expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    }
  });

  test("gives equal photos equal features, wherever in a batch they are, and different ones different features", async () => {
    const [first, second] = [noise(1, 1), noise(1, 2)];
    const [alone] = rowsOf((await run(first)).features);
    const [before, after] = rowsOf((await run(Float32Array.from([...second, ...first]))).features);
    expect(cosine(alone!, after!)).toBeGreaterThan(0.99999);
    expect(cosine(alone!, before!)).toBeLessThan(0.99999);
  });

  async function run(data: Float32Array) {
    const { width, height } = model.manifest.input;
    const shape = [data.length / (3 * width * height), 3, height, width];
    const outputs = await network.session.run({ [network.input]: { data, shape } }, [
      network.features,
      network.classes!,
    ]);
    return { features: outputs[network.features]!, probabilities: outputs[network.classes!]! };
  }

  /** Photos of coarse, saturated blocks in -1…1, from a seed. */
  function noise(photos: number, seed: number): Float32Array {
    const { width, height } = model.manifest.input;
    let state = seed;
    const blocks = Array.from({ length: photos * 3 * 64 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 31 - 1;
    });
    return Float32Array.from({ length: photos * 3 * width * height }, (_, index) => {
      const column = Math.floor(((index % width) * 8) / width);
      const row = Math.floor(((Math.floor(index / width) % height) * 8) / height);
      return blocks[Math.floor(index / (width * height)) * 64 + row * 8 + column]!;
    });
  }
});

function rowsOf({ data, shape }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }): number[][] {
  const [count, length] = shape as [number, number];
  return Array.from({ length: count }, (_, row) => Array.from(data).slice(row * length, (row + 1) * length));
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
