import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DemoResult, runDemo } from "../../cli/demo/run-demo.ts";
import { openStackStore, requireEndpoints } from "../../cli/endpoints.ts";
import { openTable } from "../../lib/table/open-table.ts";
import { readRows } from "../../lib/table/table-files.ts";
import { parseTableUri } from "../../lib/table/table-location.ts";

const shared = (path: string) => fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
const MODEL = fileURLToPath(new URL("../models/mobilenet_v2", import.meta.url));
const MIB = 1_048_576;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-pipeline-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const demo = (photos: string, name: string, processes: number) =>
  runDemo({
    photos: shared(photos),
    model: MODEL,
    featurizers: processes,
    reducers: processes,
    partitions: 4,
    components: 8,
    outputFolder: join(scratch, name),
    exportFolder: undefined,
  });

describe("photos become rows", () => {
  test.each([1, 2])(
    "each once, with its label and its reference vector: %i featurizers and reducers",
    async (processes) => {
      const result = await demo("fruits360/tiny", `tiny-${processes}`, processes);
      expect(result).toMatchObject({ photos: 25, rows: 25, deadLetters: [] });
      const rows = await rowsOf(result);
      const references = await referenceVectors();
      expect(rows).toHaveLength(25);
      expect(new Set(rows.map((row) => row.path)).size).toBe(25);
      for (const row of rows) {
        const path = String(row.path).split("/").slice(-3).join("/");
        expect(row.label).toBe(path.split("/")[1]);
        expect(cosine(row.features as Float32Array, references(`fruits360/tiny/${path}`))).toBeGreaterThan(0.9995);
      }
      const ratio = [...result.basis!.explainedVarianceRatio];
      expect(ratio).toHaveLength(8);
      expect(ratio).toEqual(ratio.toSorted((a, b) => b - a));
    },
  );
});

test("malformed photos end in dead letters with their reason, and the others in the table", async () => {
  const result = await demo("odd", "odd", 1);
  const reasons = Object.fromEntries(
    result.deadLetters.map(({ uri, reason }) => [uri!.slice(uri!.lastIndexOf("/") + 1), reason]),
  );
  expect(reasons).toEqual({
    "bmp_really_big.bmp": "unsupported-format",
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

async function rowsOf({ tableUri }: DemoResult): Promise<Record<string, unknown>[]> {
  const store = openStackStore(await requireEndpoints());
  try {
    const table = await openTable(store, parseTableUri(tableUri));
    const files = [...table.snapshot.files.values()];
    return (await Promise.all(files.map((file) => readRows(table, file)))).flat();
  } finally {
    store.close();
  }
}

async function referenceVectors(): Promise<(path: string) => Float32Array> {
  const { features } = JSON.parse(await readFile(shared("reference/mobilenet_v2_features.json"), "utf8"));
  return (path) => new Float32Array(new Uint8Array(Buffer.from(features[path], "base64")).buffer);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
