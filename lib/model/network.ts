import { readFile } from "node:fs/promises";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { CUT_FEATURES, cutAtClassifier } from "./feature-cut.ts";
import type { ModelFolder } from "./model-folder.ts";
import { type OnnxSession, openOnnxSession } from "./onnx-session.ts";

/** A model's graph, loaded, and the names of the tensors that count. */
export interface Network {
  readonly session: OnnxSession;
  readonly input: string;
  readonly features: string;
  /** Undefined where the manifest declares no classes. */
  readonly classes: string | undefined;
}

/**
 * Loads a model's graph. One without a features output is cut where its classifier begins; names that the manifest
 * leaves out are those of the graph's only candidate.
 *
 * @throws invalid-model when the graph can't be loaded or cut, or has no tensor of a name the manifest gives.
 */
export async function openNetwork(model: ModelFolder, threads: number): Promise<Network> {
  const { outputs } = model.manifest;
  const graph =
    outputs.features === undefined
      ? cutAtClassifier(await readFile(model.onnxPath), outputs.classes?.name)
      : model.onnxPath;
  const session = await openOnnxSession(graph, threads);
  try {
    return { session, ...tensorNames(model, session) };
  } catch (error) {
    await session.release();
    throw error;
  }
}

function tensorNames({ manifest, onnxPath }: ModelFolder, { inputNames, outputNames }: OnnxSession) {
  const { input, outputs } = manifest;
  const features = pick("outputs.features", outputs.features ?? CUT_FEATURES, outputNames, onnxPath);
  const others = outputNames.filter((name) => name !== features);
  return {
    input: pick("input.name", input.name, inputNames, onnxPath),
    features,
    classes:
      outputs.classes &&
      pick("outputs.classes.name", outputs.classes.name, outputs.classes.name ? outputNames : others, onnxPath),
  };
}

function pick(field: string, name: string | undefined, known: readonly string[], onnxPath: string): string {
  if (name === undefined && known.length === 1) return known[0]!;
  if (name !== undefined && known.includes(name)) return name;
  const given = name === undefined ? "not given" : `"${name}"`;
  const problem = `${field} is ${given}, but ${onnxPath} has ${known.map((one) => `"${one}"`).join(", ") || "none"}`;
  throw new FruitstreamError("invalid-model", `${problem}; correct the model.json`);
}
