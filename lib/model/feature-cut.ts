import { FruitstreamError } from "#lib/runtime/errors.ts";
import { decodeWiring, encodeGraphAddition, type GraphNode, type WiredNode, type Wiring } from "./onnx-graph.ts";

/** The output that a cut adds to a graph: float32 [N, dimension]. */
export const CUT_FEATURES = "fruitstream_features";

/**
 * Gives a graph without a features output one: the tensor that its classifier begins with. The classifier is the last
 * Gemm, MatMul or 1×1 convolution with constant weights before the class output; what a fully connected one takes is
 * flattened to a vector, what a convolution takes is averaged over its pixels first. The class output stays.
 *
 * O(nodes) in time; in memory a second copy of the file, weights included.
 *
 * @param onnx a serialised ONNX model, its weights inside.
 * @param classOutput the class output's name; the only output when not given.
 * @returns the model with `CUT_FEATURES` among its outputs.
 * @throws invalid-model when there is no such classifier, or when it isn't clear which output it leads to.
 */
export function cutAtClassifier(onnx: Uint8Array, classOutput?: string): Uint8Array {
  const wiring = readWiring(onnx);
  const classifier = findClassifier(wiring, classOutput ?? onlyOutput(wiring));
  return Buffer.concat([onnx, encodeGraphAddition(featuresBranch(classifier))]);
}

/** Where a classifier begins: its operator and the tensor that it is given. */
interface Classifier {
  readonly op: string;
  readonly input: string;
}

const DENSE = ["Gemm", "MatMul"];

/** What may stand between the classifier's weights and the class output: biases, activations, pooling, shapes. */
const AFTER_CLASSIFIER = [
  ...["Add", "Sub", "Mul", "Div", "Relu", "Clip", "Softmax", "LogSoftmax", "Sigmoid", "Dropout"],
  ...["Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Transpose", "QuantizeLinear", "DequantizeLinear"],
  ...["GlobalAveragePool", "AveragePool", "ReduceMean"],
];

function readWiring(onnx: Uint8Array): Wiring {
  try {
    return decodeWiring(onnx);
  } catch (cause) {
    const problem = `a file of ${onnx.byteLength} bytes is no ONNX model: ${String(cause)}`;
    throw new FruitstreamError("invalid-model", `${problem}; fetch or export it again`, { cause });
  }
}

function onlyOutput({ outputs }: Wiring): string {
  if (outputs.length === 1) return outputs[0]!;
  const known = outputs.map((name) => `"${name}"`).join(", ");
  throw new FruitstreamError(
    "invalid-model",
    `the graph has the outputs ${known || "(none)"}; name in "outputs" which holds the features or the classes`,
  );
}

/** Walks from the class output against the flow of data to the first weights. */
function findClassifier(wiring: Wiring, classOutput: string): Classifier {
  const producers = new Map(wiring.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const constants = constantTensors(wiring);
  for (let tensor = classOutput; ; ) {
    const node = producers.get(tensor);
    const [input, ...others] = node ? dataInputs(node, constants) : [];
    if (node === undefined || input === undefined || others.length > 0) throw noClassifier(classOutput, node?.op);
    if (isClassifier(node, constants)) return { op: node.op, input };
    if (!AFTER_CLASSIFIER.includes(node.op)) throw noClassifier(classOutput, node.op);
    tensor = input;
  }
}

/** Initializers and what follows from them alone, as weights that the graph itself unpacks. */
function constantTensors({ nodes, initializers }: Wiring): ReadonlySet<string> {
  const constants = new Set(["", ...initializers]);
  for (const { inputs, outputs } of nodes) {
    if (inputs.every((name) => constants.has(name))) for (const name of outputs) constants.add(name);
  }
  return constants;
}

/** A Reshape's second input may be computed from the data's shape, but holds no data. */
function dataInputs({ op, inputs }: WiredNode, constants: ReadonlySet<string>): string[] {
  return (op === "Reshape" ? inputs.slice(0, 1) : inputs).filter((name) => !constants.has(name));
}

function isClassifier({ op, inputs, intAttributes }: WiredNode, constants: ReadonlySet<string>): boolean {
  if (DENSE.includes(op)) return inputs.some((name) => constants.has(name));
  return op === "Conv" && (intAttributes.get("kernel_shape")?.every((size) => size === 1) ?? false);
}

function featuresBranch({ op, input }: Classifier): Parameters<typeof encodeGraphAddition>[0] {
  const pooled = `${CUT_FEATURES}_pooled`;
  const pool: GraphNode = { op: "GlobalAveragePool", inputs: [input], outputs: [pooled] };
  const flatten = (from: string): GraphNode => ({
    op: "Flatten",
    inputs: [from],
    outputs: [CUT_FEATURES],
    attributes: { axis: 1 },
  });
  return {
    nodes: op === "Conv" ? [pool, flatten(pooled)] : [flatten(input)],
    outputs: [{ name: CUT_FEATURES, type: "float32", shape: ["photos", "dimension"] }],
  };
}

function noClassifier(classOutput: string, op = "nothing that computes it"): FruitstreamError {
  return new FruitstreamError(
    "invalid-model",
    `no classifier to cut off before output "${classOutput}": there is ${op} where a Gemm, MatMul or 1×1 Conv with` +
      ` constant weights was looked for; export the features as an output and name it in outputs.features`,
  );
}
