import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadModelFolder, type ModelFolder } from "#lib/model/model-folder.ts";
import { findModelFolder } from "#lib/model/model-places.ts";
import type { DecodeOptions } from "#lib/photo/decode-photo.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { compareModels, cosines } from "./compare-models.ts";
import { type QuantizePlace, writeInt8Folder } from "./int8-folder.ts";
import { evenlySpaced, type PhotoFile, readPhotoSet } from "./photo-set.ts";
import { installPython, runScript } from "./python-environment.ts";
import {
  describeMachine,
  formatReport,
  type QuantizationReport,
  summariseCosines,
  summariseSpeeds,
} from "./quantization-report.ts";

export interface QuantizeOptions {
  /** A folder, or the name of a model that comes with the project. */
  readonly model: string;
  readonly calibrate: string;
  readonly calibrationPhotos: number;
  /** Labelled photos for the probe; without them there is none. */
  readonly labelled: string | undefined;
  readonly out: string | undefined;
  /** An interpreter that has the requirements; undefined makes one in the cache. */
  readonly python: string | undefined;
}

export interface QuantizeResult {
  readonly folder: string;
  readonly report: QuantizationReport;
  readonly reportText: string;
}

/** Photos that the models are compared on. */
const EVALUATION_PHOTOS_MAX = 4_000;

/**
 * Writes a model folder with the int8 copy of a model, and beside the ONNX file what was measured: `quantization.md` and
 * `quantization.json`. The folder appears only when all of it has been done.
 *
 * @param note told of each step as it begins.
 * @throws usage when the folder exists, or Python or photos are missing; invalid-model.
 */
export async function quantizeModel(
  options: QuantizeOptions,
  signal: AbortSignal,
  note: (line: string) => void = () => undefined,
): Promise<QuantizeResult> {
  const out = resolve(options.out ?? `${resolve(findModelFolder(options.model))}-int8`);
  if (existsSync(out)) throw new FruitstreamError("usage", `${out} exists; remove it or name another folder by --out`);
  const fp32 = await loadModelFolder(options.model);
  const python = options.python ?? (await installPython(note, signal));
  const decode = { input: fp32.manifest.input };
  const work = await mkdtemp(join(tmpdir(), "fruitstream-quantize-"));
  try {
    await mkdir(out, { recursive: true });
    const photos = await readPhotos(options, decode);
    note(`calibrating with ${photos.calibration.length} photos`);
    await writeInt8Folder(fp32, photos.calibration, { python, work, out, decode, signal });
    const int8 = await loadModelFolder(out);
    const report = await compare({ fp32, int8, photos, decode, python, work, note, signal });
    const reportText = formatReport(report);
    await writeFile(join(out, "quantization.json"), `${JSON.stringify(report, undefined, 2)}\n`);
    await writeFile(join(out, "quantization.md"), reportText);
    return { folder: out, report, reportText };
  } catch (error) {
    await rm(out, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface QuantizePhotos {
  readonly calibration: readonly PhotoFile[];
  readonly evaluation: readonly PhotoFile[];
  readonly heldOut: boolean;
}

/** Without labelled photos the models are compared on those that were not drawn for calibration, if there are any. */
async function readPhotos(options: QuantizeOptions, decode: DecodeOptions): Promise<QuantizePhotos> {
  const { calibrate, labelled, calibrationPhotos } = options;
  const most = labelled === undefined ? calibrationPhotos + EVALUATION_PHOTOS_MAX : calibrationPhotos;
  const read = await readPhotoSet(calibrate, most, decode);
  const calibration = evenlySpaced(read, calibrationPhotos);
  if (labelled !== undefined) {
    const evaluation = await readPhotoSet(labelled, EVALUATION_PHOTOS_MAX, decode);
    const drawn = new Set(calibration.map(({ path }) => resolve(path)));
    return { calibration, evaluation, heldOut: !evaluation.some(({ path }) => drawn.has(resolve(path))) };
  }
  const others = read.filter((photo) => !calibration.includes(photo));
  return { calibration, evaluation: others.length > 0 ? others : calibration, heldOut: others.length > 0 };
}

interface Comparison extends Pick<QuantizePlace, "python" | "work" | "decode" | "signal"> {
  readonly fp32: ModelFolder;
  readonly int8: ModelFolder;
  readonly photos: QuantizePhotos;
  readonly note: (line: string) => void;
}

async function compare(comparison: Comparison): Promise<QuantizationReport> {
  const { fp32, int8, photos, decode, note } = comparison;
  const compared = await compareModels([fp32, int8], photos.evaluation, decode, note);
  return {
    model: fp32.id,
    int8Model: int8.id,
    calibrationPhotos: photos.calibration.length,
    evaluationPhotos: photos.evaluation.length,
    heldOut: photos.heldOut,
    cosine: summariseCosines(cosines(compared.features)),
    probeAccuracy: await probe(compared.features, comparison),
    onnxBytes: { fp32: (await stat(fp32.onnxPath)).size, int8: (await stat(int8.onnxPath)).size },
    photosPerSecond: { endToEnd: summariseSpeeds(compared.endToEnd), inference: summariseSpeeds(compared.inference) },
    machine: describeMachine(),
  };
}

/** With fewer photos of a label, three tenths of all would not have one of each. */
const LABEL_PHOTOS_MIN = 4;

/** Null unless every photo has a label, and every label photos to fit and to score. */
async function probe(
  [fp32, int8]: readonly [Float32Array[], Float32Array[]],
  { photos, python, work, note, signal }: Comparison,
): Promise<QuantizationReport["probeAccuracy"]> {
  const labels = photos.evaluation.map(({ label }) => label);
  const counts = Map.groupBy(labels, (label) => label);
  if (counts.has(null) || counts.size < 2 || [...counts.values()].some(({ length }) => length < LABEL_PHOTOS_MIN))
    return null;
  note(`fitting linear probes for ${counts.size} labels`);
  const paths = { fp32: join(work, "fp32.f32"), int8: join(work, "int8.f32") };
  await writeFile(paths.fp32, fp32.map(bytesOf));
  await writeFile(paths.int8, int8.map(bytesOf));
  await writeFile(join(work, "labels.json"), JSON.stringify(labels));
  const named = Object.entries(paths).map(([name, path]) => `${name}=${path}`);
  return JSON.parse(await runScript(python, "probe.py", ["--labels", join(work, "labels.json"), ...named], signal));
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
