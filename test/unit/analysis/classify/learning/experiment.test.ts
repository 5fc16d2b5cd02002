import { describe, expect, it } from "vitest";
import { amongClasses, learningCurve, oneAgainstAll, runExperiment } from "#analysis/classify/learning/experiment.ts";
import { classify } from "#analysis/classify/learning/linear-classifier.ts";
import { clouds } from "./clouds.ts";

const options = { trainShare: 0.7, passesMax: 100, seed: 20 };

describe("an experiment", () => {
  it("tells classes apart that lie apart, and tests on rows that it was not trained on", () => {
    const data = clouds(["apple", "banana", "cherry"], 40, 0.5);
    const { evaluation, trainRows, classifier } = runExperiment(
      data,
      amongClasses(["apple", "banana", "cherry"]),
      options,
    );
    expect({ rows: evaluation.rows, trainRows, accuracy: evaluation.accuracy }).toEqual({
      rows: 36,
      trainRows: 84,
      accuracy: 1,
    });
    expect(classifier.machines).toHaveLength(3);
  });

  it("has one machine for two classes, whose positive side is the first, whichever that is", () => {
    const data = clouds(["apple", "banana"], 40, 0.5);
    for (const classes of [
      ["apple", "banana"],
      ["banana", "apple"],
    ]) {
      const { classifier, matrix } = runExperiment(data, amongClasses(classes), options);
      expect(classifier.machines).toHaveLength(1);
      expect(matrix).toEqual([
        [12, 0],
        [0, 12],
      ]);
      const first = data.vectors.filter((_, index) => data.labels[index] === classes[0]);
      expect(new Set(classify(classifier, first))).toEqual(new Set([0]));
    }
  });

  it("leaves out rows of labels that are not asked about", () => {
    const data = clouds(["apple", "banana", "cherry"], 20, 0.5);
    const pair = runExperiment(data, amongClasses(["apple", "cherry"]), options);
    expect(pair.trainRows + pair.evaluation.rows).toBe(40);
  });

  it("sets one label against all others", () => {
    const data = clouds(["apple", "banana", "cherry", "date"], 20, 0.5);
    const { classifier, matrix } = runExperiment(data, oneAgainstAll("cherry"), options);
    expect(classifier.classes).toEqual(["cherry", "not cherry"]);
    expect(matrix).toEqual([
      [6, 0],
      [0, 18],
    ]);
  });

  it("finds nothing where labels say nothing", () => {
    const data = clouds(["apple"], 400, 1);
    const labels = data.labels.map((_, index) => (index % 2 === 0 ? "heads" : "tails"));
    const { evaluation } = runExperiment({ ...data, labels }, amongClasses(["heads", "tails"]), options);
    expect(Math.abs(evaluation.accuracy - 0.5)).toBeLessThan(0.15);
  });
});

describe("a learning curve", () => {
  const classes = ["apple", "banana", "cherry"];
  const data = clouds(classes, 60, 3);

  it("grows in rows, tests on the same ones and ends with the experiment itself", () => {
    const points = learningCurve(data, amongClasses(classes), options);
    const sizes = points.map(({ trainRows }) => trainRows);
    expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
    const { evaluation, trainRows } = runExperiment(data, amongClasses(classes), options);
    expect(points.at(-1)).toMatchObject({ trainRows, testAccuracy: evaluation.accuracy });
  });

  it("has one point for shares that come to the same rows", () => {
    const points = learningCurve(data, amongClasses(classes), options, [0.001, 0.002, 1]);
    expect(points.map(({ trainRows }) => trainRows)).toEqual([3, 126]);
  });
});
