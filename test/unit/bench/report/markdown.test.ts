import { expect, test } from "vitest";
import { summarise } from "#bench/measure/statistics.ts";
import { formatCell, formatNumber, formatReport } from "#bench/report/markdown.ts";

const MACHINE = {
  cpu: "Some CPU",
  cores: 2,
  memoryGiB: 24,
  system: "linux 6.1 x64, avx2",
  node: "v24.0.0",
  loadBefore: 0.1,
  measuredAt: "2026-01-01T12:00:00.000Z",
};

test.each([
  [0, "0"],
  [0.012_345, "0.0123"],
  [1.234, "1.23"],
  [274.6, "275"],
  [20_480, "20,480"],
  [Number.NaN, "–"],
])("%d is written as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("several rounds are written as median and spread, one as itself", () => {
  expect(formatCell(summarise([10, 12, 11]))).toBe("11 (10 to 12)");
  expect(formatCell(summarise([10]))).toBe("10");
});

test("a report has its method, the machine, tables with numbers to the right, plots and notes", () => {
  const text = formatReport(
    "A bench",
    {
      method: "What was timed.",
      tables: [
        {
          caption: "A table.",
          columns: ["stage", "ms"],
          rows: [
            ["a|b", 1.5],
            ["c", undefined],
          ],
        },
      ],
      plots: [{ name: "plot", caption: "A plot", spec: { data: { values: [] }, mark: "bar" } }],
      notes: ["A note."],
    },
    MACHINE,
  );
  expect(text.split("\n")).toEqual([
    "# A bench",
    "",
    "What was timed.",
    "",
    "Some CPU, 2 cores, 24 GiB, linux 6.1 x64, avx2, Node v24.0.0; 2026-01-01 12:00 UTC, load before 0.1. Where there were several rounds: median (smallest to largest).",
    "",
    "A table.",
    "",
    "| stage | ms |",
    "| --- | ---: |",
    "| a\\|b | 1.5 |",
    "| c |  |",
    "",
    "![A plot](plot.svg)",
    "",
    "- A note.",
    "",
  ]);
});
