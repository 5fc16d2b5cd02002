import { afterEach, expect, test } from "vitest";
import { closeServer, createStatusServer, listen } from "#lib/http/status-server.ts";
import { Health } from "#lib/runtime/health.ts";

const servers: ReturnType<typeof createStatusServer>[] = [];
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));

async function serve(health: Health): Promise<{ url: string; port: number }> {
  const server = createStatusServer(health);
  servers.push(server);
  const port = await listen(server, "127.0.0.1", 0);
  return { url: `http://127.0.0.1:${port}`, port };
}

test("ready follows the parts, and says which one waits, for what and since when", async () => {
  let nowMs = 1_000;
  const health = new Health(() => nowMs, ["kafka", "s3"]);
  const { url } = await serve(health);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);

  health.report("kafka", "ok");
  health.report("s3", "ok");
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  nowMs = 2_000;
  health.report("s3", "waiting", "503 SlowDown");
  nowMs = 3_000;
  health.report("s3", "waiting", "503 SlowDown");
  const response = await fetch(`${url}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    ready: false,
    parts: { kafka: { state: "ok" }, s3: { state: "waiting", detail: "503 SlowDown", sinceMs: 2_000 } },
  });
});

test("livez, metrics and unknown paths", async () => {
  const { url } = await serve(new Health(Date.now, []));
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain("# HELP fruitstream_featurizer_photos_total");
  expect((await fetch(`${url}/`)).status).toBe(404);
});

test("a taken port is named", async () => {
  const { port } = await serve(new Health(Date.now, []));
  const second = createStatusServer(new Health(Date.now, []));
  await expect(listen(second, "127.0.0.1", port)).rejects.toThrow(`HTTP_PORT ${port}`);
});
