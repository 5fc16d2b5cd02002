import { foldMoments, type Moments } from "#lib/pca/moments.ts";

/** The moments of the rows of both, which stay as they are. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const merged = structuredClone(a);
  foldMoments(merged, b);
  return merged;
}
