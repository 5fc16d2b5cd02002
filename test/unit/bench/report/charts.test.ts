import { expect, test } from "vitest";
import { renderSvg } from "#analysis/plot/render-chart.ts";
import { barChart, lineChart } from "#bench/report/charts.ts";

test("bars keep their order and show their names", async () => {
  const svg = await renderSvg(
    barChart("Speed", "photos/s", [
      { name: "second", value: 2 },
      { name: "first", value: 1 },
    ]),
  );
  expect(svg).toContain("photos/s");
  expect(svg.indexOf(">second<")).toBeGreaterThan(0);
  expect(svg.indexOf(">second<")).toBeLessThan(svg.indexOf(">first<"));
});

test("lines on a logarithmic axis show every series", async () => {
  const points = [1_000, 10_000].flatMap((x) => ["broker", "reducer"].map((series) => ({ x, y: x / 1_000, series })));
  const svg = await renderSvg(lineChart("Growth", { x: "photos", y: "ms", isLog: true }, points));
  expect(svg).toContain(">broker<");
  expect(svg).toContain(">reducer<");
});
