import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawSamples } from "#demo/photos/draw-samples.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { openNetwork } from "#lib/model/network.ts";
import { decodeWiring } from "#lib/model/onnx-graph.ts";
import { quantizeModel } from "#ops/models/quantize-model.ts";
import { writeTwoClassModel } from "../embedded/lib/model/inference/two-class-model.ts";

/** An interpreter with the packages of `models/quantize/requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasQuantiser = spawnSync(python, ["-c", "import onnx, onnxruntime, sklearn"]).status === 0;
if (!hasQuantiser) {
  console.warn(`SKIPPED test/interop/quantize: ${python} lacks onnx, onnxruntime or sklearn; set FRUITSTREAM_PYTHON`);
}

const CALIBRATION_PHOTOS = 24;
/** Five of each of the twelve kinds, so that the probe has some of each to fit and to score. */
const LABELLED_PHOTOS = 60;
const never = new AbortController().signal;

describe.skipIf(!hasQuantiser)("a model's int8 copy", () => {
  let scratch: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "fruitstream-quantize-test-"));
    const draw = (name: string, count: number, seed: number) =>
      drawSamples({ folder: join(scratch, name), count, seed, sidePx: 96 }, never);
    await draw("calibration", CALIBRATION_PHOTOS, 1);
    await draw("labelled", LABELLED_PHOTOS, 2);
    await writeTwoClassModel(join(scratch, "two-classes"));
  });
  afterAll(async () => {
    await rm(scratch, { recursive: true });
  });

  const quantize = (model: string, labelled: string | undefined, out: string) =>
    quantizeModel(
      {
        model,
        calibrate: join(scratch, "calibration"),
        calibrationPhotos: CALIBRATION_PHOTOS,
        labelled,
        out: join(scratch, out),
        python,
      },
      never,
    );

  it("multiplies in int8, stays near fp32 and says what it costs and gains", async () => {
    const { folder, report, reportText } = await quantize("fruitnet", join(scratch, "labelled"), "fruitnet-int8");
    const model = await loadModelFolder(folder);
    expect(model).toMatchObject({ id: report.int8Model, manifest: { name: "fruitnet-int8", dimension: 1280 } });
    expect(model.labels).toEqual((await loadModelFolder("fruitnet")).labels);
    // 52 convolutions and the classifier.
    expect(await multiplications(model.onnxPath)).toEqual({ int8: 53, float: 0 });

    expect(report).toMatchObject({
      calibrationPhotos: CALIBRATION_PHOTOS,
      evaluationPhotos: LABELLED_PHOTOS,
      heldOut: true,
    });
    expect(report.cosine.mean).toBeGreaterThan(0.99);
    expect(report.cosine.min).toBeGreaterThan(0.95);
    expect(report.cosine.mean).toBeLessThan(1 - 1e-6);
    expect(report.onnxBytes.int8).toBeLessThan(report.onnxBytes.fp32 / 2);
    // A twelfth of the photos would be guessed.
    expect(report.probeAccuracy!.fp32).toBeGreaterThan(0.5);
    expect(report.probeAccuracy!.int8).toBeGreaterThan(0.5);
    for (const { fp32, int8, ratio } of Object.values(report.photosPerSecond)) {
      expect(Math.min(fp32, int8, ratio)).toBeGreaterThan(0);
    }
    expect(JSON.parse(await readFile(join(folder, "quantization.json"), "utf8"))).toEqual(report);
    expect(await readFile(join(folder, "quantization.md"), "utf8")).toBe(reportText);
  });

  it("of a graph that was cut has a features output of its own, and of two photos of a kind no probe", async () => {
    const { folder, report } = await quantize(join(scratch, "two-classes"), undefined, "two-classes-int8");
    expect(report).toMatchObject({ heldOut: false, probeAccuracy: null });
    expect(report.cosine.min).toBeGreaterThan(0.999);
    const model = await loadModelFolder(folder);
    expect(await multiplications(model.onnxPath)).toEqual({ int8: 2, float: 0 });
    const { outputs } = model.manifest;
    const network = await openNetwork(model, 1);
    expect(network).toMatchObject({ features: outputs.features, classes: outputs.classes!.name });
    await network.session.release();
  });
});

/** How many operators with weights have int8 on both sides: operands that are dequantised, a result that is quantised. */
async function multiplications(onnxPath: string): Promise<{ int8: number; float: number }> {
  const { nodes } = decodeWiring(await readFile(onnxPath));
  const writers = new Map(nodes.flatMap(({ op, outputs }) => outputs.map((name) => [name, op] as const)));
  const readers = (name: string) => nodes.filter(({ inputs }) => inputs.includes(name)).map(({ op }) => op);
  const all = nodes.filter(({ op }) => ["Conv", "Gemm", "MatMul"].includes(op));
  const int8 = all.filter(
    ({ inputs, outputs }) =>
      inputs.every((name) => writers.get(name) === "DequantizeLinear") &&
      outputs.flatMap(readers).every((op) => op === "QuantizeLinear"),
  );
  return { int8: int8.length, float: all.length - int8.length };
}
