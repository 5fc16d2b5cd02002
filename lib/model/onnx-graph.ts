import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

/** Element types that our graphs use; values are ONNX's TensorProto.DataType. */
export const ElementType = { float32: 1, uint8: 2, int32: 6, int64: 7, float64: 11 } as const;

/** A tensor's declaration: a number is a fixed dimension, a string a symbolic one. */
interface TensorDeclaration {
  readonly name: string;
  readonly type: keyof typeof ElementType;
  readonly shape: readonly (number | string)[];
}

/** A tensor's declaration as read from a file. */
export interface DeclaredTensor {
  readonly name: string;
  readonly isFloat32: boolean;
  /** Null is a free dimension; the whole is null where the file doesn't give a shape. */
  readonly shape: readonly (number | null)[] | null;
}

/** What a graph takes and gives. Weights that old exporters list among the inputs are left out. */
export interface GraphSignature {
  /** As "pytorch", "tf2onnx"; empty when the file doesn't say. */
  readonly producer: string;
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
}

/** A constant tensor, stored in the graph. Values are laid out in row-major order. */
export interface ConstantTensor {
  readonly name: string;
  readonly values: Float32Array | Float64Array | BigInt64Array;
  readonly shape: readonly number[];
}

/** One operator of the default ONNX domain. Attributes are ints or lists of ints. */
export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  readonly constants?: readonly ConstantTensor[];
  readonly nodes: readonly GraphNode[];
}

/** Opset 17 and IR version 8: read by every ONNX Runtime since 1.12. */
const OPSET_VERSION = 17;
const IR_VERSION = 8;

/** Serialises a graph as an ONNX model, ready for `InferenceSession.create`. */
export function encodeOnnxModel(graph: Graph): Uint8Array {
  const message = {
    irVersion: IR_VERSION,
    producerName: "fruitstream",
    opsetImport: [{ domain: "", version: OPSET_VERSION }],
    graph: {
      name: graph.name,
      input: graph.inputs.map(encodeDeclaration),
      output: graph.outputs.map(encodeDeclaration),
      initializer: (graph.constants ?? []).map(encodeConstant),
      node: graph.nodes.map(encodeNode),
    },
  };
  return modelProto.encode(modelProto.fromObject(message)).finish();
}

/** One operator of a graph as read from a file. An input that is left out has the name "". */
export interface WiredNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers by attribute name; attributes of other kinds are left out. */
  readonly intAttributes: ReadonlyMap<string, readonly number[]>;
}

/** How a graph's operators hang together. */
export interface Wiring {
  /** In an order in which each comes after those it reads from. */
  readonly nodes: readonly WiredNode[];
  readonly initializers: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Reads the wiring of a serialised ONNX model. Weights stay where they are.
 *
 * @throws when the bytes are no ONNX model.
 */
export function decodeWiring(model: Uint8Array): Wiring {
  const { graph }: DecodedModel = modelProto.toObject(modelProto.decode(model), DECODING);
  return {
    nodes: (graph?.node ?? []).map(decodeNode),
    initializers: (graph?.initializer ?? []).map(({ name }) => name),
    outputs: (graph?.output ?? []).map(({ name }) => name),
  };
}

/**
 * Reads what a serialised ONNX model takes and gives.
 *
 * @throws when the bytes are no ONNX model.
 */
export function decodeSignature(model: Uint8Array): GraphSignature {
  const { graph, producerName }: DecodedModel = modelProto.toObject(modelProto.decode(model), DECODING);
  const weights = new Set((graph?.initializer ?? []).map(({ name }) => name));
  return {
    producer: producerName ?? "",
    inputs: (graph?.input ?? []).filter(({ name }) => !weights.has(name)).map(decodeDeclaration),
    outputs: (graph?.output ?? []).map(decodeDeclaration),
  };
}

/**
 * What turns a serialised ONNX model into one with more nodes and outputs, when it is appended to its bytes: Protocol
 * Buffers merges the messages of both. So nothing in the model is lost, whether this code knows it or not.
 *
 * https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
export function encodeGraphAddition({ nodes, outputs }: Pick<Graph, "nodes" | "outputs">): Uint8Array {
  const graph = { output: outputs.map(encodeDeclaration), node: nodes.map(encodeNode) };
  return modelProto.encode(modelProto.fromObject({ graph })).finish();
}

const DECODING = { arrays: true, longs: Number };

const modelProto = protobuf
  .loadSync(fileURLToPath(new URL("./onnx.proto", import.meta.url)))
  .lookupType("onnx.ModelProto");

function encodeDeclaration({ name, type, shape }: TensorDeclaration) {
  const dim = shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: ElementType[type], shape: { dim } } } };
}

function encodeConstant({ name, values, shape }: ConstantTensor) {
  const dataType =
    values instanceof Float32Array
      ? ElementType.float32
      : values instanceof Float64Array
        ? ElementType.float64
        : ElementType.int64;
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims: [...shape], dataType, rawData };
}

function encodeNode({ op, inputs, outputs, attributes = {} }: GraphNode) {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === "number" ? { name, type: "INT", i: value } : { name, type: "INTS", ints: [...value] },
  );
  return { opType: op, input: [...inputs], output: [...outputs], attribute };
}

/** What protobufjs makes of the part of `onnx.proto` that is read. */
interface DecodedModel {
  readonly producerName?: string;
  readonly graph?: {
    readonly node: readonly DecodedNode[];
    readonly initializer: readonly { readonly name: string }[];
    readonly input: readonly DecodedValue[];
    readonly output: readonly DecodedValue[];
  };
}

interface DecodedValue {
  readonly name: string;
  readonly type?: {
    readonly tensorType?: {
      readonly elemType?: number;
      readonly shape?: { readonly dim: readonly { readonly dimValue?: number }[] };
    };
  };
}

interface DecodedNode {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly { readonly name: string; readonly i?: number; readonly ints: readonly number[] }[];
}

function decodeDeclaration({ name, type }: DecodedValue): DeclaredTensor {
  const { elemType, shape } = type?.tensorType ?? {};
  return {
    name,
    isFloat32: elemType === ElementType.float32,
    // Some exporters write 0 or -1 for a dimension that is free.
    shape: shape?.dim.map(({ dimValue = 0 }) => (dimValue > 0 ? dimValue : null)) ?? null,
  };
}

function decodeNode({ opType, input, output, attribute }: DecodedNode): WiredNode {
  const ints = attribute.map(({ name, i, ints }) => [name, i === undefined ? ints : [i]] as const);
  return { op: opType, inputs: input, outputs: output, intAttributes: new Map(ints) };
}
