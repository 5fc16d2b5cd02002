import { batchPca } from "./batch-pca.ts";

/**
 * How far a table's column `pca_features` is from the batch PCA of its features: the largest difference of a value, each
 * component's sign aside, relative to the largest value of the batch.
 *
 * @param rows as `decodeRows` gives them; d is small.
 */
export function columnDeviation(rows: readonly Record<string, unknown>[], componentCount: number): number {
  const vectors = rows.map((row) => row.features as Float32Array);
  const coordinates = rows.map((row) => row.pca_features as Float32Array);
  const dimensions = vectors[0]!.length;
  const all = Float32Array.from(vectors.flatMap((vector) => [...vector]));
  const { components, mean } = batchPca(all, dimensions, componentCount);
  let [largest, deviation] = [0, 0];
  for (let component = 0; component < componentCount; component++) {
    const axis = components.subarray(component * dimensions, (component + 1) * dimensions);
    const batch = vectors.map((vector) =>
      vector.reduce((sum, value, index) => sum + (value - mean[index]!) * axis[index]!, 0),
    );
    const column = coordinates.map((values) => values[component] ?? Number.NaN);
    const sign = batch.reduce((sum, value, row) => sum + value * column[row]!, 0) < 0 ? -1 : 1;
    for (const [row, value] of batch.entries()) {
      largest = Math.max(largest, Math.abs(value));
      // A value that is missing makes the deviation NaN, which is below no bound.
      const difference = Math.abs(value - sign * column[row]!);
      deviation = difference <= deviation ? deviation : difference;
    }
  }
  return deviation / largest;
}
