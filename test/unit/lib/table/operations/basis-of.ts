import type { Basis } from "#lib/pca/basis.ts";

/** A basis whose components are axes, such that coordinates are easy to tell. */
export function basisOf(dimensions: number, componentCount: number, version: number): Basis {
  const components = new Float64Array(componentCount * dimensions);
  for (let component = 0; component < componentCount; component++) components[component * dimensions + component] = 1;
  return {
    ...{ version, dimensions, componentCount, components },
    mean: new Float64Array(dimensions).fill(version),
    explainedVariance: new Float64Array(componentCount).fill(1),
    explainedVarianceRatio: new Float64Array(componentCount).fill(1 / dimensions),
    ...{ totalVariance: dimensions, rowCount: 10, residual: 0, converged: true },
  };
}
