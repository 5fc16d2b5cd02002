import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confusionMatrix, evaluate } from "#analysis/classify/learning/confusion-matrix.ts";

describe("an evaluation", () => {
  it("has the figures computed by hand", () => {
    // Rows are actual: of 5 apples 4 are found, of 3 pears 1, of 2 plums 2; 4 + 1 + 2 of 10 are right.
    const matrix = [
      [4, 1, 0],
      [2, 1, 0],
      [0, 0, 2],
    ];
    expect(evaluate(matrix)).toEqual({
      rows: 10,
      accuracy: 0.7,
      balancedAccuracy: expect.closeTo((4 / 5 + 1 / 3 + 1) / 3, 12),
      byClass: [
        { rows: 5, precision: 4 / 6, recall: 4 / 5, f1: expect.closeTo(8 / 11, 12) },
        { rows: 3, precision: 1 / 2, recall: 1 / 3, f1: expect.closeTo(2 / 5, 12) },
        { rows: 2, precision: 1, recall: 1, f1: 1 },
      ],
      macro: {
        precision: expect.closeTo((4 / 6 + 1 / 2 + 1) / 3, 12),
        recall: expect.closeTo((4 / 5 + 1 / 3 + 1) / 3, 12),
        f1: expect.closeTo((8 / 11 + 2 / 5 + 1) / 3, 12),
      },
      micro: { precision: 0.7, recall: 0.7, f1: 0.7 },
    });
  });

  it("has 0 for a class that nothing was taken for", () => {
    const { byClass, accuracy, balancedAccuracy } = evaluate([
      [9, 0],
      [1, 0],
    ]);
    expect(byClass[1]).toEqual({ rows: 1, precision: 0, recall: 0, f1: 0 });
    expect({ accuracy, balancedAccuracy }).toEqual({ accuracy: 0.9, balancedAccuracy: 0.5 });
  });

  it("counts every row once, and has the share of the right ones as its accuracy", () => {
    const answer = fc.record({ actual: fc.integer({ min: 0, max: 3 }), predicted: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1 }), (answers) => {
        const [actual, predicted] = [answers.map((one) => one.actual), answers.map((one) => one.predicted)];
        const { rows, accuracy, micro } = evaluate(confusionMatrix(actual, predicted, 4));
        expect(rows).toBe(answers.length);
        const right = answers.filter((one) => one.actual === one.predicted).length / answers.length;
        expect(accuracy).toBe(right);
        expect(micro).toEqual({ precision: right, recall: right, f1: right });
      }),
    );
  });
});
