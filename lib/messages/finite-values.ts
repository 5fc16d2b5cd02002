/**
 * The index of the first value that is NaN or infinite, -1 when there is none. A loop, since it looks at every value of
 * every vector: `findIndex` calls a function for each and takes nine times as long.
 */
export function indexOfNonFinite(values: Float32Array): number {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index]!)) return index;
  return -1;
}
