import { expect, test } from "vitest";
import { endpointsAsEnv, endpointsFromEnv } from "#stack/endpoints.ts";
import { resolveEndpoints, resolveS3Access } from "#stack/resolve-endpoints.ts";

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

test("without Kafka and S3 the environment names no stack, whatever else is set", () => {
  expect(endpointsFromEnv({ ...env, KAFKA_BROKERS: undefined, S3_ENDPOINT: "" })).toBeUndefined();
});

test("Kafka alone goes with AWS's S3 and its default credentials", () => {
  const onAws = { KAFKA_BROKERS: "a:9092", S3_REGION: "eu-central-1" };
  const endpoints = endpointsFromEnv(onAws)!;
  expect(endpoints).toMatchObject({ kafkaBrokers: ["a:9092"], s3Region: "eu-central-1", s3ForcePathStyle: false });
  expect(endpoints).toMatchObject({ s3Endpoint: undefined, s3AccessKeyId: undefined, s3SecretAccessKey: undefined });
  const leftToAws = { S3_ENDPOINT: "", S3_ACCESS_KEY_ID: "", S3_SECRET_ACCESS_KEY: "" };
  expect(endpointsAsEnv(endpoints)).toEqual({ ...onAws, ...leftToAws, S3_FORCE_PATH_STYLE: "false" });
});

test("S3 alone is half a stack, and names what is missing", () => {
  const halfSet = () => endpointsFromEnv({ ...env, KAFKA_BROKERS: undefined });
  expect(halfSet).toThrow("S3_ENDPOINT is set but KAFKA_BROKERS is not");
  expect(halfSet).toThrow(expect.objectContaining({ code: "invalid-config" }));
});

test("S3 alone is enough for work without Kafka", async () => {
  const { s3Endpoint } = (await resolveS3Access({ ...env, KAFKA_BROKERS: undefined }))!;
  expect(s3Endpoint).toBe("https://s3.example.org");
  expect(await resolveS3Access({ S3_REGION: "eu-west-1" })).toMatchObject({
    s3Endpoint: undefined,
    s3Region: "eu-west-1",
  });
  expect(await resolveS3Access({ FRUITSTREAM_STACK_DIR: "/nonexistent/stack" })).toBeUndefined();
});

test.each([
  ["KAFKA_BROKERS", "localhost"],
  ["S3_ENDPOINT", "localhost:9000"],
  ["S3_ACCESS_KEY_ID", ""],
  ["S3_SECRET_ACCESS_KEY", ""],
  ["S3_FORCE_PATH_STYLE", "perhaps"],
])("%s=%j is refused by name", (name, value) => {
  expect(() => endpointsFromEnv({ ...env, [name]: value })).toThrow(new RegExp(`^${name} `));
});

test("a misspelt name is refused, although the environment names no stack without it", () => {
  expect(() => endpointsFromEnv({ S3_ENDPONT: "http://s3" })).toThrow("did you mean S3_ENDPOINT?");
});

test("a stack that the environment names goes before the local one", async () => {
  expect(await resolveEndpoints(env)).toEqual(endpointsFromEnv(env));
});

test("without a stack in the environment and without a local one there is none", async () => {
  expect(await resolveEndpoints({ FRUITSTREAM_STACK_DIR: "/nonexistent/stack" })).toBeUndefined();
});
