/**
 * Vectors one after the other in one array. Where they lie so in memory already, that part of it, and nothing is copied:
 * a window's vectors are joined once, for projecting, writing and the moments.
 */
export function joinVectors(vectors: readonly Float32Array[]): Float32Array {
  const length = vectors.reduce((sum, vector) => sum + vector.length, 0);
  const [first] = vectors;
  if (first && areConsecutive(vectors)) return new Float32Array(first.buffer, first.byteOffset, length);
  const joined = new Float32Array(length);
  let at = 0;
  for (const vector of vectors) {
    joined.set(vector, at);
    at += vector.length;
  }
  return joined;
}

function areConsecutive(vectors: readonly Float32Array[]): boolean {
  const { buffer, byteOffset } = vectors[0]!;
  let end = byteOffset;
  for (const vector of vectors) {
    if (vector.buffer !== buffer || vector.byteOffset !== end) return false;
    end += vector.byteLength;
  }
  return true;
}
