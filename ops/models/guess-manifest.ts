import { cutAtClassifier } from "#lib/model/feature-cut.ts";
import { type DeclaredTensor, decodeSignature, decodeWiring, type Wiring } from "#lib/model/onnx-graph.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { findEnds, startsByScaling } from "./graph-ends.ts";

/** One field of a manifest: what it was given, and why. */
export interface Finding {
  /** As in model.json, with dots: "input.resize". */
  readonly field: string;
  readonly value: unknown;
  readonly why: string;
}

/** The parts of a manifest that follow from a graph. Facts stand in the file; guesses are for a person to check. */
export interface GuessedManifest {
  readonly input: Readonly<Record<string, unknown>>;
  readonly scaling: unknown;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly facts: readonly Finding[];
  readonly guesses: readonly Finding[];
}

/**
 * Reads from a graph what it takes and gives, and guesses what no graph says: how photos are resized and scaled.
 *
 * @param onnx a serialised ONNX model.
 * @param labelCount how many labels there are for its classes; undefined without labels.
 * @throws invalid-model when it is no ONNX model, or no network that takes batches of photos and gives vectors.
 */
export function guessManifest(onnx: Uint8Array, labelCount: number | undefined): GuessedManifest {
  const { signature, wiring } = readGraph(onnx);
  const input = photoInput(signature.inputs);
  const isTorch = input.layout === "NCHW" && !/tf|keras/i.test(signature.producer);
  const resize = isTorch
    ? { shorterSide: Math.round(Math.max(input.width, input.height) / 0.875), centreCrop: true }
    : "stretch";
  const framework = isTorch ? "torchvision" : "Keras";
  const scaling = startsByScaling(wiring, input.name)
    ? { value: "none", why: "the graph's first operators compute with constants, so it seems to scale by itself" }
    : isTorch
      ? { value: IMAGENET, why: "torchvision's; its models are trained with it" }
      : {
          value: "x/127.5-1",
          why: 'Keras\' for MobileNet and Inception; others want "x/255", or scale inside the graph',
        };
  const { outputs, facts, guesses } = guessOutputs(onnx, signature.outputs, wiring, labelCount);
  const { name, width, height, layout, isSizeFree } = input;
  return {
    input: { name, width, height, layout, channelOrder: "RGB", resize },
    scaling: scaling.value,
    outputs,
    facts: [
      { field: "input.layout", value: layout, why: `input "${name}" has 3 channels there` },
      ...(isSizeFree ? [] : [sizeFinding(width, height, "as the input declares")]),
      ...facts,
    ],
    guesses: [
      ...(isSizeFree ? [sizeFinding(width, height, "the graph takes any; give the size it was trained with")] : []),
      {
        field: "input.resize",
        value: resize,
        why: `as ${framework} does; "stretch" where training ignored the aspect ratio`,
      },
      {
        field: "input.channelOrder",
        value: "RGB",
        why: "nearly always; BGR for networks from Caffe or trained with OpenCV",
      },
      { field: "scaling", ...scaling },
      ...guesses,
    ],
  };
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** What most networks of both frameworks are trained with. */
const USUAL_SIDE = 224;
const CHANNELS = 3;

function readGraph(onnx: Uint8Array) {
  try {
    return { signature: decodeSignature(onnx), wiring: decodeWiring(onnx) };
  } catch (cause) {
    const problem = `a file of ${onnx.byteLength} bytes is no ONNX model: ${String(cause)}`;
    throw new FruitstreamError("invalid-model", `${problem}; fetch or export it again`, { cause });
  }
}

function sizeFinding(width: number, height: number, why: string): Finding {
  return { field: "input.width, input.height", value: `${width} × ${height}`, why };
}

interface PhotoInput {
  readonly name: string;
  readonly layout: "NCHW" | "NHWC";
  readonly width: number;
  readonly height: number;
  readonly isSizeFree: boolean;
}

function photoInput(inputs: readonly DeclaredTensor[]): PhotoInput {
  const [input, ...others] = inputs;
  const [batch, second, third, fourth] = input?.shape ?? [];
  const known = inputs.map(describe).join(", ") || "none";
  if (!input?.isFloat32 || input.shape?.length !== 4 || others.length > 0) {
    const wanted =
      "the network must have one input, float32 with the axes [photos, 3, height, width] or [photos, height, width, 3]";
    throw new FruitstreamError("invalid-model", `${wanted}; it has ${known}`);
  }
  if (batch !== null) {
    const remedy = "export it with a free first axis (`dynamic_axes` in PyTorch, a batch size of None in Keras)";
    throw new FruitstreamError("invalid-model", `${known} takes exactly ${batch} photos at a time; ${remedy}`);
  }
  if (second !== CHANNELS && fourth !== CHANNELS) {
    throw new FruitstreamError("invalid-model", `${known} has no axis of 3 channels; photos are given in colour`);
  }
  const [height, width] = second === CHANNELS ? [third, fourth] : [second, third];
  return {
    name: input.name,
    layout: second === CHANNELS ? "NCHW" : "NHWC",
    height: height ?? USUAL_SIDE,
    width: width ?? USUAL_SIDE,
    isSizeFree: height === null || width === null,
  };
}

function describe({ name, isFloat32, shape }: DeclaredTensor): string {
  const axes = shape?.map((size) => size ?? "?").join(", ") ?? "unknown shape";
  return `"${name}" (${isFloat32 ? "float32" : "not float32"} [${axes}])`;
}

interface GuessedOutputs {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly facts: readonly Finding[];
  readonly guesses: readonly Finding[];
}

function guessOutputs(
  onnx: Uint8Array,
  declared: readonly DeclaredTensor[],
  wiring: Wiring,
  labelCount: number | undefined,
): GuessedOutputs {
  const vectors = declared.filter(({ isFloat32, shape }) => isFloat32 && (shape === null || shape.length === 2));
  const { features, last, isSoftmax } = findEnds(
    wiring,
    vectors.map(({ name }) => name),
  );
  if (last === undefined) {
    const known = declared.map(describe).join(", ") || "none";
    throw new FruitstreamError("invalid-model", `no output is float32 [photos, values]; the network has ${known}`);
  }
  const isCut = features === undefined && canBeCut(onnx, last) && (declared.length === 1 || labelCount !== undefined);
  if (features === undefined && !isCut) {
    const guess = {
      field: "outputs.features",
      value: last,
      why: "the last vector, with no classifier found before it",
    };
    return { outputs: { features: last }, facts: [], guesses: [guess] };
  }
  const found: Finding = isCut
    ? { field: "outputs.features", value: "cut from the graph", why: `what the classifier before "${last}" takes` }
    : { field: "outputs.features", value: features, why: `an output from which "${last}" is computed` };
  const named = isCut ? {} : { features };
  const classes = declared.find(({ name }) => name === last)?.shape?.[1] ?? null;
  if (labelCount === undefined) {
    const why = `"${last}" looks like classes; give --labels, a text file with one label per line, to have predictions`;
    return { outputs: named, facts: [found], guesses: [{ field: "outputs.classes", value: "left out", why }] };
  }
  if (classes !== null && classes !== labelCount) {
    throw new FruitstreamError("invalid-model", `"${last}" has ${classes} classes, but there are ${labelCount} labels`);
  }
  const kind = isSoftmax ? "probabilities" : "logits";
  const why = isSoftmax ? `"${last}" comes from a Softmax` : `"${last}" doesn't come from a Softmax`;
  return {
    outputs: { ...named, classes: { name: last, kind } },
    facts: [found, { field: "outputs.classes.kind", value: kind, why }],
    guesses: [],
  };
}

function canBeCut(onnx: Uint8Array, output: string): boolean {
  try {
    cutAtClassifier(onnx, output);
    return true;
  } catch {
    return false;
  }
}
