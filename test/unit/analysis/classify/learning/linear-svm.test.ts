import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COST, decisionValue, type LinearSvm, trainLinearSvm } from "#analysis/classify/learning/linear-svm.ts";

const options = { passesMax: 20_000, seed: 20 };

describe("a linear SVM", () => {
  it.each([
    { at: 1, weight: 1, why: "both rows lie on their margins" },
    { at: 2, weight: 0.5, why: "both rows lie on their margins" },
    { at: 0.5, weight: 1, why: "both rows cost less than the margin they miss" },
  ])("of two rows at ±$at has the weight $weight: $why", ({ at, weight }) => {
    const { weights, bias, converged } = trainLinearSvm(
      [Float32Array.of(at), Float32Array.of(-at)],
      [true, false],
      options,
    );
    expect(converged).toBe(true);
    expect(weights[0]).toBeCloseTo(weight, 2);
    expect(bias).toBeCloseTo(0, 2);
  });

  it("is the optimum: its cost exceeds no bound of the dual problem by more than the tolerance", () => {
    fc.assert(
      fc.property(problems, ({ rows, isPositive, seed }) => {
        const machine = trainLinearSvm(rows, isPositive, { ...options, seed });
        expect(machine.converged).toBe(true);
        const optimum = dualBound(rows, isPositive);
        expect(primalCost(machine, rows, isPositive)).toBeLessThanOrEqual(optimum + 0.02 * rows.length);
      }),
    );
  });

  it("of exchanged sides is the same with the opposite sign", () => {
    fc.assert(
      fc.property(problems, ({ rows, isPositive, seed }) => {
        const machine = trainLinearSvm(rows, isPositive, { ...options, seed });
        const exchanged = trainLinearSvm(
          rows,
          isPositive.map((positive) => !positive),
          { ...options, seed },
        );
        expect(exchanged.weights).toEqual(machine.weights.map((weight) => 0 - weight));
        expect(exchanged.bias).toBe(0 - machine.bias);
      }),
    );
  });

  it("gives a rare side its due: one row against a hundred that surround it on one side", () => {
    const many = Array.from({ length: 100 }, (_, index) => Float32Array.of(-0.1 - index / 100));
    const machine = trainLinearSvm([Float32Array.of(1), ...many], [true, ...many.map(() => false)], options);
    expect(decisionValue(machine, Float32Array.of(1))).toBeGreaterThan(0);
  });

  it("stops at its bound of passes and says so", () => {
    const rows = Array.from({ length: 40 }, (_, index) => Float32Array.of(Math.sin(index), Math.cos(3 * index)));
    const machine = trainLinearSvm(
      rows,
      rows.map((_, index) => index % 2 === 0),
      { passesMax: 1, seed: 20 },
    );
    expect(machine).toMatchObject({ passes: 1, converged: false });
  });
});

/** Up to 24 rows of 1 to 5 values of −1 … 1, both sides among them. */
const problems = fc
  .integer({ min: 1, max: 5 })
  .chain((dimensions) => {
    const row = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: dimensions, maxLength: dimensions });
    return fc.record({
      seed: fc.nat(),
      rows: fc.array(row, { minLength: 2, maxLength: 24 }),
      signs: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
    });
  })
  .map(({ seed, rows, signs }) => ({
    seed,
    rows: rows.map((values) => Float32Array.from(values, (value) => value / 8)),
    isPositive: rows.map((_, index) => (index < 2 ? index === 0 : signs[index]!)),
  }));

function costsOf(isPositive: readonly boolean[]): number[] {
  const positives = isPositive.filter(Boolean).length;
  return isPositive.map(
    (positive) => (COST * isPositive.length) / (2 * (positive ? positives : isPositive.length - positives)),
  );
}

function primalCost(machine: LinearSvm, rows: readonly Float32Array[], isPositive: readonly boolean[]): number {
  const { weights, bias } = machine;
  const costs = costsOf(isPositive);
  const squares = weights.reduce((sum, weight) => sum + weight * weight, bias * bias);
  const losses = rows.map(
    (row, index) => costs[index]! * Math.max(0, 1 - (isPositive[index] ? 1 : -1) * decisionValue(machine, row)),
  );
  return squares / 2 + losses.reduce((sum, loss) => sum + loss, 0);
}

/** Any feasible α bounds the primal cost from below: Σ αᵢ − ½ αᵀ Q α. Here one near the best, by projected gradients. */
function dualBound(rows: readonly Float32Array[], isPositive: readonly boolean[]): number {
  const costs = costsOf(isPositive);
  const sign = (index: number) => (isPositive[index] ? 1 : -1);
  const q = rows.map((a, i) =>
    rows.map((b, j) => sign(i) * sign(j) * a.reduce((sum, value, column) => sum + value * b[column]!, 1)),
  );
  // No step can overshoot that is the inverse of a bound of Q's largest eigenvalue.
  const step = 1 / Math.max(...q.map((row) => row.reduce((sum, value) => sum + Math.abs(value), 0)));
  let alphas = rows.map(() => 0);
  const gradientOf = (i: number) => 1 - q[i]!.reduce((sum, value, j) => sum + value * alphas[j]!, 0);
  for (let round = 0; round < 2000; round++) {
    alphas = alphas.map((alpha, i) => Math.min(costs[i]!, Math.max(0, alpha + step * gradientOf(i))));
  }
  return alphas.reduce((sum, alpha, i) => sum + (alpha * (1 + gradientOf(i))) / 2, 0);
}
