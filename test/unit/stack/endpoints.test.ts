import { expect, test } from "vitest";
import { endpointsAsEnv, endpointsFromEnv } from "../../../stack/endpoints.ts";
import { resolveEndpoints } from "../../../stack/resolve-endpoints.ts";

const env = {
  KAFKA_BROKERS: "a:9092,b:9092",
  S3_ENDPOINT: "https://s3.example.org",
  S3_REGION: "eu-central-1",
  S3_ACCESS_KEY_ID: "id",
  S3_SECRET_ACCESS_KEY: "secret",
  S3_FORCE_PATH_STYLE: "true",
};

test("endpoints written as variables are read again", () => {
  expect(endpointsAsEnv(endpointsFromEnv(env)!)).toEqual(env);
});

test("without either variable the environment names no stack, whatever else is set", () => {
  expect(endpointsFromEnv({ ...env, KAFKA_BROKERS: undefined, S3_ENDPOINT: "" })).toBeUndefined();
});

test.each([
  ["KAFKA_BROKERS", "S3_ENDPOINT"],
  ["S3_ENDPOINT", "KAFKA_BROKERS"],
])("without %s, %s alone is refused", (missing, present) => {
  const halfSet = () => endpointsFromEnv({ ...env, [missing]: undefined });
  expect(halfSet).toThrow(`${present} is set but ${missing} is not`);
  expect(halfSet).toThrow(expect.objectContaining({ code: "invalid-config" }));
});

test.each([
  ["S3_ENDPOINT", "localhost:9000"],
  ["S3_SECRET_ACCESS_KEY", ""],
  ["S3_FORCE_PATH_STYLE", "perhaps"],
])("%s=%j is refused by name", (name, value) => {
  expect(() => endpointsFromEnv({ ...env, [name]: value })).toThrow(new RegExp(`^${name} `));
});

test("a stack that the environment names goes before the local one", async () => {
  expect(await resolveEndpoints(env)).toEqual(endpointsFromEnv(env));
});

test("without a stack in the environment and without a local one there is none", async () => {
  expect(await resolveEndpoints({ FRUITSTREAM_STACK_DIR: "/nonexistent/stack" })).toBeUndefined();
});
