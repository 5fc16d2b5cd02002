import { float64sOfBytes, littleEndianBytes } from "#lib/runtime/little-endian.ts";
import type { Basis } from "./basis.ts";
import { PcaError } from "./pca-error.ts";

const FORMAT = "fruitstream-basis";
const FORMAT_VERSION = 1;

/**
 * A basis as UTF-8 JSON that says what it holds: numbers as they are, arrays as base64 of little-endian float64, with
 * their shapes. Decoding gives the same bits.
 */
export function encodeBasis(basis: Basis): Uint8Array {
  const { dimensions, componentCount, components, mean, explainedVariance, explainedVarianceRatio, ...scalars } = basis;
  const document = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    ...scalars,
    dimensions,
    componentCount,
    components: encodeArray(components, [componentCount, dimensions]),
    mean: encodeArray(mean, [dimensions]),
    explainedVariance: encodeArray(explainedVariance, [componentCount]),
    explainedVarianceRatio: encodeArray(explainedVarianceRatio, [componentCount]),
  };
  return Buffer.from(JSON.stringify(document, undefined, 2));
}

/** @throws PcaError corrupt-bytes when this is no basis of this format, or a number or shape in it can't be. */
export function decodeBasis(bytes: Uint8Array): Basis {
  const document = parseDocument(bytes);
  if (document.format !== FORMAT || document.formatVersion !== FORMAT_VERSION) {
    throw corrupt(
      `expected ${FORMAT} of version ${FORMAT_VERSION}, got ${document.format} of ${document.formatVersion}`,
    );
  }
  const dimensions = decodeNumber(document, "dimensions", isPositiveInteger);
  const componentCount = decodeNumber(
    document,
    "componentCount",
    (count) => isPositiveInteger(count) && count <= dimensions,
  );
  return {
    version: decodeNumber(document, "version", isPositiveInteger),
    dimensions,
    componentCount,
    components: decodeArray(document, "components", [componentCount, dimensions]),
    mean: decodeArray(document, "mean", [dimensions]),
    explainedVariance: decodeArray(document, "explainedVariance", [componentCount]),
    explainedVarianceRatio: decodeArray(document, "explainedVarianceRatio", [componentCount]),
    totalVariance: decodeNumber(document, "totalVariance", isNotNegative),
    rowCount: decodeNumber(document, "rowCount", isPositiveInteger),
    residual: decodeNumber(document, "residual", isNotNegative),
    converged: decodeBoolean(document, "converged"),
  };
}

type Document = Readonly<Record<string, unknown>>;

function parseDocument(bytes: Uint8Array): Document {
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof document === "object" && document !== null) return document as Document;
  } catch (cause) {
    throw corrupt(`${bytes.byteLength} bytes are no JSON`, cause);
  }
  throw corrupt("the JSON is no object");
}

function encodeArray(values: Float64Array, shape: readonly number[]) {
  return { type: "float64", byteOrder: "little-endian", shape, base64: littleEndianBytes(values).toString("base64") };
}

function decodeArray(document: Document, name: string, shape: readonly number[]): Float64Array {
  const encoded = document[name] as Partial<ReturnType<typeof encodeArray>> | null | undefined;
  const stated = JSON.stringify(encoded?.shape);
  if (stated !== JSON.stringify(shape) || typeof encoded?.base64 !== "string") {
    throw corrupt(`"${name}" must be an array of shape ${JSON.stringify(shape)}, got ${stated ?? "none"}`);
  }
  const bytes = Buffer.from(encoded.base64, "base64");
  const bytesExpected = shape.reduce((product, size) => product * size, Float64Array.BYTES_PER_ELEMENT);
  if (bytes.byteLength !== bytesExpected) {
    throw corrupt(`"${name}" holds ${bytes.byteLength} bytes, its shape asks for ${bytesExpected}`);
  }
  const values = float64sOfBytes(bytes);
  if (!values.every(Number.isFinite)) throw corrupt(`"${name}" holds a value that is not finite`);
  return values;
}

function decodeNumber(document: Document, name: string, isValid: (value: number) => boolean): number {
  const value = document[name];
  if (typeof value !== "number" || !isValid(value)) throw corrupt(`"${name}" can't be ${JSON.stringify(value)}`);
  return value;
}

function decodeBoolean(document: Document, name: string): boolean {
  const value = document[name];
  if (typeof value !== "boolean") throw corrupt(`"${name}" must be true or false, got ${JSON.stringify(value)}`);
  return value;
}

const isPositiveInteger = (value: number) => Number.isSafeInteger(value) && value > 0;
const isNotNegative = (value: number) => Number.isFinite(value) && value >= 0;

function corrupt(problem: string, cause?: unknown): PcaError {
  return new PcaError("corrupt-bytes", `not a stored basis: ${problem}`, { cause });
}
