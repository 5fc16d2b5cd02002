import type { WiredNode, Wiring } from "#lib/model/onnx-graph.ts";

/** What a network's outputs seem to be. */
interface GraphEnds {
  /** The output from which the last one is computed; undefined where there is only one. */
  readonly features: string | undefined;
  /** The output with the most operators behind it; undefined where there are no outputs. */
  readonly last: string | undefined;
  /** Whether the last one comes from a Softmax. */
  readonly isSoftmax: boolean;
}

/** @param outputs the names of the outputs that may hold a vector per photo. */
export function findEnds(wiring: Wiring, outputs: readonly string[]): GraphEnds {
  const producers = new Map(wiring.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const behind = outputs.map((name) => ({ name, tensors: tensorsBehind(name, producers) }));
  const [last, ...others] = behind.sort((a, b) => b.tensors.size - a.tensors.size);
  if (!last) return { features: undefined, last: undefined, isSoftmax: false };
  // The same tensor may be an output under a second name, given by an Identity: then its source is what counts.
  const features = others.find(({ name }) => last.tensors.has(sourceOf(name, producers)));
  const ending = producers.get(sourceOf(last.name, producers));
  return { features: features?.name, last: last.name, isSoftmax: ending?.op === "Softmax" };
}

/** Whether the first operators after the input compute with constants, as layers for rescaling and normalising do. */
export function startsByScaling({ nodes, initializers }: Wiring, input: string): boolean {
  const constants = new Set(initializers);
  for (const { op, outputs } of nodes) if (op === "Constant") for (const name of outputs) constants.add(name);
  for (let tensor = input; ; ) {
    const readers = nodes.filter(({ inputs }) => inputs.includes(tensor));
    const [reader, ...others] = readers;
    if (!reader || others.length > 0) return false;
    if (ARITHMETIC.includes(reader.op)) return reader.inputs.some((name) => constants.has(name));
    if (!MOVING.includes(reader.op)) return false;
    tensor = reader.outputs[0]!;
  }
}

const ARITHMETIC = ["Add", "Sub", "Mul", "Div"];
const MOVING = ["Identity", "Cast", "Transpose"];

function sourceOf(tensor: string, producers: ReadonlyMap<string, WiredNode>): string {
  let source = tensor;
  for (let node = producers.get(source); node?.op === "Identity"; node = producers.get(source))
    source = node.inputs[0]!;
  return source;
}

function tensorsBehind(output: string, producers: ReadonlyMap<string, WiredNode>): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [output];
  for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    open.push(...(producers.get(tensor)?.inputs ?? []));
  }
  return seen;
}
