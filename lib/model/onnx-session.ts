import "./no-telemetry.ts";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** A dense tensor, row-major. The element type follows from the array. */
export interface DenseTensor {
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
}

/** What a graph is given, by input name. */
type Feeds = Readonly<Record<string, DenseTensor>>;

/**
 * A loaded ONNX graph. The only file that imports ONNX Runtime.
 *
 * `run` blocks the calling thread for as long as the graph computes, in spite of its promise
 * (https://github.com/microsoft/onnxruntime/issues/19611): long graphs belong in a worker thread.
 */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Computes the named outputs. Returned arrays belong to the caller. */
  run(feeds: Feeds, outputs: readonly string[]): Promise<Record<string, DenseTensor>>;
  /** Computes outputs of known shape into arrays of the caller, by output name, without a copy. */
  runInto(feeds: Feeds, outputs: Readonly<Record<string, DenseTensor>>): Promise<void>;
  /** Frees the native memory. The session is not used after this. */
  release(): Promise<void>;
}

/**
 * Loads a graph from its file or its bytes, on the CPU, with a fixed number of threads.
 *
 * @throws invalid-model when the bytes are no graph that ONNX Runtime can run.
 */
export async function openOnnxSession(model: string | Uint8Array, threads: number): Promise<OnnxSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  };
  const session = await openSession(model, options);
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds, outputs) {
      const results = await session.run(toOrtByName(feeds), outputs);
      return Object.fromEntries(outputs.map((name) => [name, fromOrt(results[name]!, name)]));
    },
    async runInto(feeds, outputs) {
      await session.run(toOrtByName(feeds), toOrtByName(outputs));
    },
    release: () => session.release(),
  };
}

async function openSession(model: string | Uint8Array, options: InferenceSession.SessionOptions) {
  try {
    return typeof model === "string"
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  } catch (cause) {
    const name = typeof model === "string" ? model : `a graph of ${model.byteLength} bytes`;
    throw new FruitstreamError("invalid-model", `ONNX Runtime can't load ${name}: ${String(cause)}`, { cause });
  }
}

function toOrtByName(tensors: Feeds): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toOrt(tensor)]));
}

function toOrt({ data, shape }: DenseTensor): Tensor {
  if (data instanceof Float32Array) return new Tensor("float32", data, shape);
  if (data instanceof Float64Array) return new Tensor("float64", data, shape);
  if (data instanceof Int32Array) return new Tensor("int32", data, shape);
  return new Tensor("uint8", data, shape);
}

function fromOrt(tensor: Tensor, name: string): DenseTensor {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array || data instanceof Uint8Array) {
    return { data, shape: tensor.dims };
  }
  throw new FruitstreamError("invalid-model", `output "${name}" is ${tensor.type}; export it as float32`);
}
