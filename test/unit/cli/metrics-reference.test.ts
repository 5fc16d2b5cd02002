import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeMetricsPage } from "#cli/metrics-reference.ts";

test("docs/metrics.md is what the metrics say; npx fruitstream docs metrics > docs/metrics.md renews it", async () => {
  const documented = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  expect(documented, "renew it: npx fruitstream docs metrics > docs/metrics.md").toBe(await describeMetricsPage());
});
