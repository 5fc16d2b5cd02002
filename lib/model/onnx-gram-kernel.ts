import { encodeOnnxModel } from "./onnx-graph.ts";
import { type DenseTensor, type OnnxSession, openOnnxSession } from "./onnx-session.ts";

/**
 * Sums of outer products of centred rows, as float64 GEMMs in ONNX Runtime. Of the symmetric result only the blocks
 * on and above the diagonal are computed: 20,000 rows/s of 1280 values on one core, against 10,000 for the square.
 */
export interface OnnxGramKernel {
  /**
   * Adds Σ (x − mean)(x − mean)ᵀ over the rows x to `scatter`. Takes 8 bytes per value of `rows` beside it, and half a
   * megabyte. Blocks the thread for one block of the result at a time.
   *
   * @param rows n × d, row-major.
   * @param mean d values.
   * @param scatter the packed upper triangle, row by row, of the d × d sum.
   */
  addScatter(rows: Float32Array, mean: Float64Array, scatter: Float64Array): Promise<void>;
  /** Frees the native memory. The kernel is not used after this. */
  release(): Promise<void>;
}

/**
 * Columns of a block. Of 128 to 1280 columns, 160 to 320 were the fastest for d = 1280 and n = 512 or 1024; wider ones
 * compute more of the lower triangle, narrower ones lose to the overhead of a run.
 */
const BLOCK_COLUMNS = 256;

/** Some columns of the centred rows: n × width in float64. */
interface ColumnBlock {
  readonly firstColumn: number;
  readonly width: number;
  readonly tensor: DenseTensor;
}

/** Opens a kernel for rows of any dimension. */
export async function openGramKernel(threads: number): Promise<OnnxGramKernel> {
  const session = await openOnnxSession(encodeOnnxModel(BLOCK_PRODUCT), threads);
  return {
    async addScatter(rows, mean, scatter) {
      const blocks = centredBlocks(rows, mean);
      for (const [index, left] of blocks.entries()) {
        for (const right of blocks.slice(index)) {
          addBlock(await multiplyBlocks(session, left, right), left, right, mean.length, scatter);
        }
      }
    },
    release: () => session.release(),
  };
}

/** leftᵀ · right, for two blocks of the same rows. */
const BLOCK_PRODUCT = {
  name: "block_product",
  inputs: [
    { name: "left", type: "float64", shape: ["rows", "left_columns"] },
    { name: "right", type: "float64", shape: ["rows", "right_columns"] },
  ],
  outputs: [{ name: "product", type: "float64", shape: ["left_columns", "right_columns"] }],
  nodes: [{ op: "Gemm", inputs: ["left", "right"], outputs: ["product"], attributes: { transA: 1 } }],
} as const;

async function multiplyBlocks(session: OnnxSession, left: ColumnBlock, right: ColumnBlock): Promise<Float64Array> {
  const { product } = await session.run({ left: left.tensor, right: right.tensor }, ["product"]);
  return product!.data as Float64Array;
}

function centredBlocks(rows: Float32Array, mean: Float64Array): ColumnBlock[] {
  const dimensions = mean.length;
  const rowCount = rows.length / dimensions;
  const blocks: ColumnBlock[] = [];
  for (let firstColumn = 0; firstColumn < dimensions; firstColumn += BLOCK_COLUMNS) {
    const width = Math.min(BLOCK_COLUMNS, dimensions - firstColumn);
    const data = new Float64Array(rowCount * width);
    for (let row = 0; row < rowCount; row++) {
      const from = row * dimensions + firstColumn;
      const to = row * width;
      for (let column = 0; column < width; column++) {
        data[to + column] = rows[from + column]! - mean[firstColumn + column]!;
      }
    }
    blocks.push({ firstColumn, width, tensor: { data, shape: [rowCount, width] } });
  }
  return blocks;
}

/** Adds a product to its place in the packed triangle; of a block on the diagonal, its upper triangle. */
function addBlock(
  product: Float64Array,
  left: ColumnBlock,
  right: ColumnBlock,
  dimensions: number,
  scatter: Float64Array,
): void {
  const onDiagonal = left === right;
  for (let row = 0; row < left.width; row++) {
    const matrixRow = left.firstColumn + row;
    const rowStart = matrixRow * dimensions - (matrixRow * (matrixRow + 1)) / 2 + right.firstColumn;
    for (let column = onDiagonal ? row : 0; column < right.width; column++) {
      scatter[rowStart + column] = scatter[rowStart + column]! + product[row * right.width + column]!;
    }
  }
}
