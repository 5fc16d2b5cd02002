import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createStatusServer } from "#lib/http/status-server.ts";
import { Health } from "#lib/runtime/health.ts";
import { askServices } from "#ops/status/service-status.ts";

async function serve(server: ReturnType<typeof createServer>) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("services are ready, in trouble, or give no answer that makes sense", async () => {
  const well = new Health(() => 0, ["s3"]);
  well.report("s3", "ok");
  const waiting = new Health(() => 0, ["s3", "kafka"]);
  waiting.report("s3", "ok");
  waiting.report("kafka", "waiting", "no broker");
  const other = createServer((_request, response) => void response.end("hello"));
  const [wellUrl, waitingUrl, otherUrl] = [
    await serve(createStatusServer(well)),
    await serve(createStatusServer(waiting)),
    await serve(other),
  ];
  const statuses = await askServices([
    { name: "well", url: wellUrl },
    { name: "waiting", url: waitingUrl },
    { name: "other", url: otherUrl },
    { name: "gone", url: "http://127.0.0.1:1" },
  ]);
  expect(statuses).toEqual([
    { name: "well", url: wellUrl, state: "ready", troubles: [] },
    { name: "waiting", url: waitingUrl, state: "not ready", troubles: ["kafka: waiting (no broker)"] },
    { name: "other", url: otherUrl, state: "no answer", troubles: [] },
    { name: "gone", url: "http://127.0.0.1:1", state: "no answer", troubles: [] },
  ]);
});
