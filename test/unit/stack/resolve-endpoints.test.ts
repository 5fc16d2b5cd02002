import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endpointsAsEnv } from "#stack/endpoints.ts";
import { endpointsOf } from "#stack/local-stack.ts";
import { foreignEndpoints, resolveEndpoints } from "#stack/resolve-endpoints.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import { writeStackState } from "#stack/stack-state.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-resolve-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** The shell of somebody who has evaluated what `stack up` printed, for a stack on these ports. */
function evaluated(kafkaPort: number, s3Port: number) {
  return { ...endpointsAsEnv(endpointsOf(kafkaPort, s3Port)), FRUITSTREAM_STACK_DIR: folder };
}

test("the variables that stack up printed name no foreign stack, and nothing that runs once it is down", async () => {
  const env = evaluated(19_092, 19_000);
  expect(await foreignEndpoints(env, readStackSettings(env))).toBeUndefined();
  expect(await resolveEndpoints(env)).toBeUndefined();
});

test("nor do those of a stack that was started on other ports", async () => {
  const env = evaluated(29_092, 29_000);
  const settings = readStackSettings(env);
  expect(await foreignEndpoints(env, settings)).toMatchObject({ kafkaBrokers: ["127.0.0.1:29092"] });
  const [kafka, s3] = [29_092, 29_000].map((port) => ({ pid: 1, startedAt: "never", port }));
  await writeStackState(folder, { servers: { kafka, s3 } });
  expect(await foreignEndpoints(env, settings)).toBeUndefined();
});

test("any other Kafka or S3 is foreign", async () => {
  const env = { ...evaluated(19_092, 19_000), S3_ENDPOINT: "http://127.0.0.1:9000" };
  expect(await foreignEndpoints(env, readStackSettings(env))).toMatchObject({ s3Endpoint: "http://127.0.0.1:9000" });
});
