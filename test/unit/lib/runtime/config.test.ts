import { describe, expect, test } from "vitest";
import { z } from "zod";
import { httpUrl, readConfig, wholeNumber } from "#lib/runtime/config.ts";

const shape = {
  S3_ENDPOINT: httpUrl,
  S3_SECRET_ACCESS_KEY: z.string().min(8, "must have at least 8 characters").optional(),
  REDUCER_ROWS_MAX: wholeNumber(1, 100).default(10),
};
const read = (env: Record<string, string>) => readConfig(shape, env, "REDUCER_");

describe("readConfig", () => {
  test("reads values, fills in defaults, and lets foreign variables be", () => {
    const config = read({ S3_ENDPOINT: "http://127.0.0.1:9000", PATH: "/bin", FEATURIZER_WORKERS: "2" });
    expect(config).toEqual({ S3_ENDPOINT: "http://127.0.0.1:9000", REDUCER_ROWS_MAX: 10 });
  });

  test("an empty variable counts as unset", () => {
    expect(read({ S3_ENDPOINT: "https://s3", REDUCER_ROWS_MAX: "" }).REDUCER_ROWS_MAX).toBe(10);
  });

  test.each([
    [{ S3_ENDPOINT: "localhost:9000" }, 'S3_ENDPOINT must be an http(s) URL, got "localhost:9000"'],
    [{}, "S3_ENDPOINT is not set; it has no default"],
    [
      { S3_ENDPOINT: "http://s3", REDUCER_ROWS_MAX: "many" },
      'REDUCER_ROWS_MAX must be a whole number from 1 to 100, got "many"',
    ],
    [
      { S3_ENDPOINT: "http://s3", REDUCER_ROWS_MAX: "101" },
      'REDUCER_ROWS_MAX must be a whole number from 1 to 100, got "101"',
    ],
    [
      { S3_ENDPOINT: "http://s3", REDUCER_ROW_MAX: "5" },
      "REDUCER_ROW_MAX is not a setting; remove it or correct its name",
    ],
  ])("%j is refused by name", (env, message) => {
    expect(() => read(env as Record<string, string>)).toThrow(
      expect.objectContaining({ code: "invalid-config", message }),
    );
  });

  test("a wrong secret is named and never shown", () => {
    const attempt = () => read({ S3_ENDPOINT: "http://s3", S3_SECRET_ACCESS_KEY: "hunter2" });
    expect(attempt).toThrow("S3_SECRET_ACCESS_KEY must have at least 8 characters");
    expect(attempt).not.toThrow(/hunter2/);
  });

  test("every problem is told at once", () => {
    expect(() => read({ REDUCER_ROWS_MAX: "0", REDUCER_X: "1" })).toThrow(
      /REDUCER_X .*; S3_ENDPOINT .*REDUCER_ROWS_MAX/,
    );
  });
});
