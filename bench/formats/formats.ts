import { fork } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import type { InputGeometry } from "#lib/model/resize-geometry.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { cosineOf } from "#ops/models/compare-models.ts";
import { type Bench, type BenchContext, sized } from "../bench.ts";
import type { Cell } from "../report/bench-report.ts";
import type { DecodeJob, DecodeMeasure } from "./decode-worker.ts";

const SHARED = new URL("../../../shared/", import.meta.url);
const WORKER = fileURLToPath(new URL("./decode-worker.ts", import.meta.url));

/** Every photo of the sets of hard, odd and real ones by itself: what becomes of it, and what it takes. */
export const formatsBench: Bench = {
  name: "formats",
  title: "Formats: hard, odd and real photos one by one",
  async run(context) {
    if (!existsSync(SHARED)) throw new FruitstreamError("usage", "formats needs ../shared, with photos and references");
    const { model } = context;
    const pool = await InferencePool.open({ model, workers: 1, batchPhotosMax: 1, batchWaitMsMax: 0 });
    const worker = new DecodeWorker();
    try {
      const references = readReferences();
      const rows = [];
      for (const path of await photoPaths(context))
        rows.push(await measureFile(path, context, { pool, worker }, references));
      return {
        method: METHOD,
        tables: [{ caption: CAPTION, columns: COLUMNS, rows }],
        plots: [],
        notes: notesOf(rows),
      };
    } finally {
      worker.close();
      await pool.close();
    }
  },
};

const METHOD =
  "Each photo is decoded as a featurizer does it for a model of 224 × 224 pixels, one after the other, by one process, and by its decoder process where a featurizer has one. CPU time of all threads of both, from the bytes on, with the start of a decoder process where one was due. Peak resident sets while the photo was decoded. The features of its pixels by MobileNetV2 are compared with those that Pillow, pillow_heif and tifffile lead to.";
const CAPTION =
  "Outcome, upright size, cosine with the reference's features, CPU time, the longest turn of the event loop (CPU), peak resident set of the process and of its decoder process (empty where it was not asked).";
const COLUMNS = ["photo", "outcome", "size", "cosine", "CPU, ms", "turn, ms", "RSS, MiB", "decoder's RSS, MiB"];
const COSINE = COLUMNS.indexOf("cosine");
const TURN = COLUMNS.indexOf("turn, ms");

async function photoPaths(context: BenchContext): Promise<string[]> {
  const folders = await Promise.all(
    ["hard", "odd", "photos"].map(async (folder) => {
      const files = await readdir(new URL(`${folder}/`, SHARED), { recursive: true, withFileTypes: true });
      return files
        .filter((file) => file.isFile() && !/\.(md|py)$|SHA256SUMS/.test(file.name))
        .map(({ parentPath, name }) => `${parentPath.slice(fileURLToPath(SHARED).length)}/${name}`.replace("//", "/"))
        .sort();
    }),
  );
  const every = sized(context, { full: 1, usual: 1, quick: 20 });
  return folders.flat().filter((_, index) => index % every === 0);
}

type References = Readonly<Record<string, string>>;

/** base64 of float32, by path. */
function readReferences(): References {
  const read = (name: string): Record<string, string | { features: string }> =>
    JSON.parse(readFileSync(new URL(`reference/${name}.json`, SHARED), "utf8"));
  const text = readFileSync(new URL("reference/mobilenet_v2_features.json", SHARED), "utf8");
  const plain: Record<string, string> = JSON.parse(text).features;
  const all = { ...plain, ...read("hard_features_optional"), ...read("hard_features") };
  return Object.fromEntries(
    Object.entries(all).map(([path, value]) => [path, typeof value === "string" ? value : value.features]),
  );
}

interface FormatsDeps {
  readonly pool: InferencePool;
  readonly worker: DecodeWorker;
}

async function measureFile(
  path: string,
  { model, tell }: BenchContext,
  { pool, worker }: FormatsDeps,
  references: References,
): Promise<Cell[]> {
  const { photo, refusal, cpuMs, turnMs, rssMiB, decoderRssMiB } = await worker.decode(path, model.manifest.input);
  tell(`formats: ${path}`);
  const took = [Math.round(cpuMs), turnMs, Math.round(rssMiB), decoderRssMiB ? Math.round(decoderRssMiB) : undefined];
  if (!photo) return [path, refusal, "", "", ...took];
  const size = `${photo.photoWidth} × ${photo.photoHeight}`;
  const { features } = await pool.infer(photo);
  const reference = references[path];
  return [path, "row", size, reference ? cosineOf(features, floats(reference)).toFixed(5) : "", ...took];
}

/** One process that decodes all photos, one after the other. */
class DecodeWorker {
  readonly #child = fork(WORKER, { serialization: "advanced" });

  /** @throws when the process ends without an answer: no photo may do that. */
  async decode(path: string, input: InputGeometry): Promise<DecodeMeasure> {
    const { promise, resolve, reject } = Promise.withResolvers<DecodeMeasure>();
    const onEnd = (code: number | null) => reject(new Error(`${path} ended its process (${code})`));
    this.#child.once("message", resolve).once("exit", onEnd);
    this.#child.send({ path: fileURLToPath(new URL(encodeURI(path), SHARED)), input } satisfies DecodeJob);
    return promise.finally(() => this.#child.off("exit", onEnd));
  }

  close(): void {
    this.#child.kill();
  }
}

function notesOf(rows: readonly Cell[][]): string[] {
  const cosines = rows.flatMap((row) => (row[COSINE] ? [Number(row[COSINE])] : []));
  const turns = rows.map((row) => Number(row[TURN]));
  const refused = rows.filter(([, outcome]) => outcome !== "row").length;
  return [
    `${rows.length} photos: ${rows.length - refused} rows, ${refused} dead letters. Least cosine of ${cosines.length}: ${Math.min(...cosines).toFixed(5)}.`,
    `Longest turn of an event loop: ${Math.max(...turns).toFixed(1)} ms of CPU.`,
  ];
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}
