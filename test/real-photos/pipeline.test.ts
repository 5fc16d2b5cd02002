import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DemoResult } from "#demo/demo-result.ts";
import { runDemo } from "#demo/run-demo.ts";
import { principalAngles, type Subspace } from "#lib/pca/principal-angles.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { openStackStore, requireEndpoints } from "#ops/pipeline/endpoints.ts";
import { quietDeps } from "../fakes/quiet-deps.ts";

const shared = (path: string) => fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
const MODEL = fileURLToPath(new URL("../models/mobilenet_v2", import.meta.url));
const MIB = 1_048_576;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-pipeline-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const demo = (photos: string, name: string, processes: number) =>
  runDemo(
    {
      photos: shared(photos),
      model: MODEL,
      featurizers: processes,
      reducers: processes,
      partitions: 4,
      components: 8,
      outputFolder: join(scratch, name),
      exportFolder: undefined,
    },
    quietDeps(),
  );

describe("800 photos become rows", () => {
  test.each([1, 2])(
    "each once, with its label, and their PCA is scikit-learn's: %i featurizers and reducers",
    async (processes) => {
      const result = await demo("fruits360/small", `small-${processes}`, processes);
      expect(result).toMatchObject({ photos: 800, rows: 800, deadLetters: [] });
      const rows = await rowsOf(result);
      const paths = rows.map((row) => pathOf(row, 3));
      expect(paths.sort()).toEqual(await photosIn("fruits360/small"));
      for (const row of rows) expect(row.label).toBe(pathOf(row, 2).split("/")[0]);

      const basis = result.basis!;
      const reference = await referencePca();
      expect(basis.rowCount).toBe(800);
      expect(Math.cos(principalAngles(basis, reference).at(-1)!)).toBeGreaterThanOrEqual(1 - 1e-6);
      expect(basis.explainedVarianceRatio).toHaveLength(8);
      for (const [index, ratio] of reference.explainedVarianceRatio.entries()) {
        expect(Math.abs(basis.explainedVarianceRatio[index]! / ratio - 1)).toBeLessThan(1e-4);
      }
    },
  );
});

test("a row's vector is the reference's for its photo", async () => {
  const result = await demo("fruits360/tiny", "tiny", 1);
  expect(result).toMatchObject({ photos: 25, rows: 25, deadLetters: [] });
  const references = await referenceVectors();
  for (const row of await rowsOf(result)) {
    const reference = references(`fruits360/tiny/${pathOf(row, 3)}`);
    expect(cosine(row.features as Float32Array, reference)).toBeGreaterThan(0.9995);
  }
});

test("malformed photos end in dead letters with their reason, and the others in the table", async () => {
  const result = await demo("odd", "odd", 1);
  const reasons = Object.fromEntries(
    result.deadLetters.map(({ uri, reason }) => [uri!.slice(uri!.lastIndexOf("/") + 1), reason]),
  );
  expect(reasons).toEqual({
    "bmp_really_big.bmp": "pixel-limit",
    "bomb_17000x17000.avif": "pixel-limit",
    "bomb_65536x65536.png": "pixel-limit",
    "broken_png_80_bytes.png": "corrupt-image",
    "corrupt_header.jpg": "corrupt-image",
    "text_named.jpg": "unsupported-format",
    "truncated.jpg": "corrupt-image",
    "truncated.png": "corrupt-image",
    "vector.svg": "unsupported-format",
    "zero_bytes.jpg": "corrupt-image",
  });
  const names = (await readdir(shared("odd"))).filter((name) => !name.endsWith(".md"));
  const decoded = (await rowsOf(result)).map((row) => String(row.path).split("/").at(-1)!);
  expect(decoded.sort()).toEqual(names.filter((name) => !(name in reasons)).sort());
  expect(result.rssPeakBytes["featurizer-1"]).toBeGreaterThan(0);
  expect(result.rssPeakBytes["featurizer-1"]).toBeLessThan(1_000 * MIB);
});

async function rowsOf({ origin }: DemoResult): Promise<Record<string, unknown>[]> {
  const store = openStackStore(await requireEndpoints(process.env));
  try {
    const table = await openTable(store, parseTableUri(origin!.uri));
    const files = [...table.snapshot.files.values()];
    return (await Promise.all(files.map((file) => readRows(table, file)))).flat();
  } finally {
    store.close();
  }
}

/** The last segments of a row's path, as `Test/Banana/115_100.jpg`. */
function pathOf({ path }: Record<string, unknown>, segments: number): string {
  return String(path).split("/").slice(-segments).join("/");
}

async function photosIn(folder: string): Promise<string[]> {
  const names = await readdir(shared(folder), { recursive: true });
  return names.filter((name) => name.endsWith(".jpg")).sort();
}

async function referencePca(): Promise<Subspace & { explainedVarianceRatio: readonly number[] }> {
  const reference = JSON.parse(await readFile(shared("reference/pca_small.json"), "utf8"));
  const bytes = new Uint8Array(Buffer.from(reference.components_base64_f64, "base64"));
  const components = new Float64Array(bytes.buffer);
  return { dimensions: 1280, components, explainedVarianceRatio: reference.explained_variance_ratio };
}

async function referenceVectors(): Promise<(path: string) => Float32Array> {
  const { features } = JSON.parse(await readFile(shared("reference/mobilenet_v2_features.json"), "utf8"));
  return (path) => new Float32Array(new Uint8Array(Buffer.from(features[path], "base64")).buffer);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
