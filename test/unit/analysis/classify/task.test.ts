import { describe, expect, it } from "vitest";
import { labelsOf, questionsOf, type Task, taskOf } from "#analysis/classify/task.ts";

const ROWS = new Map([
  ["Apple", 30],
  ["Banana", 30],
  ["Cherry", 5],
  ["Date", 4],
  ["Elderberry", 1],
]);

const classesOf = (task: Task, seed = 20) => questionsOf(task, ROWS, seed).map(({ classes }) => classes);

describe("a task", () => {
  it.each([
    { flags: { classes: ["a", "b"] }, task: { kind: "among", classes: ["a", "b"] } },
    { flags: { oneVsAll: "a" }, task: { kind: "one-vs-all", label: "a" } },
    { flags: { all: true as const }, task: { kind: "all" } },
    { flags: { pairs: 20 }, task: { kind: "pairs", count: 20 } },
    { flags: { oneVsAllSample: 10 }, task: { kind: "one-vs-all-sample", count: 10 } },
  ])("is $task.kind by its flag", ({ flags, task }) => {
    expect(taskOf(flags)).toEqual(task);
  });

  it.each([{}, { all: true as const, pairs: 3 }])("is refused unless it is one: %o", (flags) => {
    expect(() => taskOf(flags)).toThrow(/choose what to classify: one of --classes/);
  });

  it("needs only the vectors of classes that are named, and else all", () => {
    expect(labelsOf({ kind: "among", classes: ["a", "b"] })).toEqual(new Set(["a", "b"]));
    expect(labelsOf({ kind: "one-vs-all", label: "a" })).toBeUndefined();
  });
});

describe("its questions", () => {
  it("are of the labels with enough rows", () => {
    expect(classesOf({ kind: "all" })).toEqual([["Apple", "Banana", "Cherry"]]);
    expect(classesOf({ kind: "among", classes: ["Cherry", "Apple"] })).toEqual([["Cherry", "Apple"]]);
    expect(classesOf({ kind: "one-vs-all", label: "Cherry" })).toEqual([["Cherry", "not Cherry"]]);
  });

  it("are drawn by the seed, none twice", () => {
    expect(classesOf({ kind: "pairs", count: 3 }).sort()).toEqual([
      ["Apple", "Banana"],
      ["Apple", "Cherry"],
      ["Banana", "Cherry"],
    ]);
    expect(new Set(classesOf({ kind: "one-vs-all-sample", count: 3 }).flat()).size).toBe(6);
    expect(classesOf({ kind: "pairs", count: 2 }, 1)).toEqual(classesOf({ kind: "pairs", count: 2 }, 1));
  });

  it("have each row of another label among the others", () => {
    const [question] = questionsOf({ kind: "one-vs-all", label: "Apple" }, ROWS, 20);
    expect([...ROWS.keys()].map(question!.classOf)).toEqual([0, 1, 1, 1, 1]);
  });

  it.each<{ task: Task; message: RegExp }>([
    {
      task: { kind: "among", classes: ["Aple", "Banana"] },
      message: /no row has the label "Aple"; the nearest of 5 are "Apple"/,
    },
    {
      task: { kind: "among", classes: ["Apple", "Elderberry"] },
      message: /"Elderberry" has 1 row; at least 5 are needed/,
    },
    {
      task: { kind: "among", classes: ["Apple"] },
      message: /--classes needs at least two different names, got "Apple"/,
    },
    {
      task: { kind: "among", classes: ["Apple", "Apple"] },
      message: /at least two different names, got "Apple", "Apple"/,
    },
    { task: { kind: "one-vs-all", label: "Date" }, message: /"Date" has 4 rows; at least 5/ },
    { task: { kind: "pairs", count: 4 }, message: /at least 4 pairs of labels, got 3/ },
    { task: { kind: "one-vs-all-sample", count: 4 }, message: /at least 4 labels of at least 5 rows, got 3/ },
  ])("are refused: $message", ({ task, message }) => {
    expect(() => questionsOf(task, ROWS, 20)).toThrow(message);
  });

  it("are refused where every other label has a single row, since none would be tested", () => {
    const rows = new Map([["Apple", 30], ...["b", "c", "d", "e", "f"].map((label) => [label, 1] as const)]);
    const message = /"Apple" has 5 rows of other labels .*, each the only one of its label/;
    expect(() => questionsOf({ kind: "one-vs-all", label: "Apple" }, rows, 20)).toThrow(message);
  });

  it("are refused where there is but one label", () => {
    const rows = new Map([["Apple", 30]]);
    expect(() => questionsOf({ kind: "all" }, rows, 20)).toThrow(/at least 2 labels of at least 5 rows, got 1/);
    expect(() => questionsOf({ kind: "one-vs-all", label: "Apple" }, rows, 20)).toThrow(/0 rows of other labels/);
  });
});
