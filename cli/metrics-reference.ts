import { describeMetrics } from "#lib/runtime/metrics.ts";

/** The text of `docs/metrics.md`: every metric with what an operator does with it. */
export async function describeMetricsPage(): Promise<string> {
  const rows = (await describeMetrics()).map(
    ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help} |`,
  );
  return [
    INTRODUCTION,
    "| metric | type | labels | meaning, and what to do |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

const INTRODUCTION = `# Metrics

Every service serves \`/metrics\` in Prometheus' text format: the metrics below, those of the process (\`process_…\`) and of
Node.js (\`nodejs_…\`). A counter stays at 0 in services that don't count it. Kafka's consumer lag is not among them: take it
from the broker, or run \`fruitstream status\`.

This page is generated: \`npx fruitstream docs metrics > docs/metrics.md\`.
`;
