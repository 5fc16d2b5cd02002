import { encodeOnnxModel } from "#lib/model/onnx-graph.ts";
import { openOnnxSession } from "#lib/model/onnx-session.ts";

/** A dense float64 matrix, row-major. */
export interface DenseMatrix {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** Products of dense float64 matrices by ONNX Runtime. Each blocks the thread; between two the event loop turns. */
export interface Gemm {
  /** Writes left · right to the first values of `product`. */
  multiply(left: DenseMatrix, right: DenseMatrix, product: Float64Array): Promise<void>;
  /** Writes leftᵀ · right to the first values of `product`. */
  multiplyTransposed(left: DenseMatrix, right: DenseMatrix, product: Float64Array): Promise<void>;
  /** Frees the native memory. */
  release(): Promise<void>;
}

export async function openGemm(threads: number): Promise<Gemm> {
  const plain = await openOnnxSession(encodeProduct(false), threads);
  const transposed = await openOnnxSession(encodeProduct(true), threads);
  return {
    multiply: (left, right, product) => plain.runInto(feeds(left, right), fetches(product, left.rows, right.columns)),
    multiplyTransposed: (left, right, product) =>
      transposed.runInto(feeds(left, right), fetches(product, left.columns, right.columns)),
    async release() {
      await plain.release();
      await transposed.release();
    },
  };
}

function encodeProduct(transposesLeft: boolean): Uint8Array {
  return encodeOnnxModel({
    name: "product",
    inputs: [
      { name: "left", type: "float64", shape: ["left rows", "left columns"] },
      { name: "right", type: "float64", shape: ["right rows", "right columns"] },
    ],
    outputs: [{ name: "product", type: "float64", shape: ["rows", "columns"] }],
    nodes: [
      {
        op: "Gemm",
        inputs: ["left", "right"],
        outputs: ["product"],
        attributes: { transA: transposesLeft ? 1 : 0 },
      },
    ],
  });
}

function feeds(left: DenseMatrix, right: DenseMatrix) {
  return { left: tensorOf(left), right: tensorOf(right) };
}

function fetches(product: Float64Array, rows: number, columns: number) {
  return { product: { data: product.subarray(0, rows * columns), shape: [rows, columns] } };
}

function tensorOf({ data, rows, columns }: DenseMatrix) {
  return { data, shape: [rows, columns] };
}

/** Memory that is used again and again, as large as the largest use so far. */
export class Scratch {
  #values = new Float64Array();

  /** So many values, with what was last written there. They are the caller's until the next call. */
  take(count: number): Float64Array {
    if (this.#values.length < count) this.#values = new Float64Array(count);
    return this.#values.subarray(0, count);
  }
}
