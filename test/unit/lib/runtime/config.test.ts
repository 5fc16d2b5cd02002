import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defaultOf, httpUrl, readConfig, setting, toEnv, wholeNumber } from "#lib/runtime/config.ts";

const shape = {
  s3Endpoint: setting("S3_ENDPOINT", httpUrl),
  s3SecretAccessKey: setting("S3_SECRET_ACCESS_KEY", z.string().min(8, "must have at least 8 characters").optional()),
  windowRowsMax: setting("REDUCER_WINDOW_ROWS_MAX", wholeNumber(1, 100).default(10)),
};
const read = (env: Record<string, string>) => readConfig(shape, env);

describe("readConfig", () => {
  test("reads values into fields, fills in defaults, and lets foreign variables be", () => {
    const config = read({ S3_ENDPOINT: "http://127.0.0.1:9000", PATH: "/bin", FEATURIZER_WORKERS: "2" });
    expect(config).toEqual({
      s3Endpoint: "http://127.0.0.1:9000",
      s3SecretAccessKey: undefined,
      windowRowsMax: 10,
    });
  });

  test("an empty variable counts as unset", () => {
    expect(read({ S3_ENDPOINT: "https://s3", REDUCER_WINDOW_ROWS_MAX: "" }).windowRowsMax).toBe(10);
  });

  test("a field that is given is not read, however wrong its variable is", () => {
    const env = { S3_ENDPOINT: "nowhere", REDUCER_WINDOW_ROWS_MAX: "7" };
    expect(readConfig(shape, env, { s3Endpoint: "http://s3" })).toMatchObject({
      s3Endpoint: "http://s3",
      windowRowsMax: 7,
    });
    expect(
      readConfig(
        shape,
        { ...env, S3_SECRET_ACCESS_KEY: "of the shell" },
        {
          s3Endpoint: "http://s3",
          s3SecretAccessKey: undefined,
        },
      ).s3SecretAccessKey,
    ).toBeUndefined();
  });

  test.each([
    [{ S3_ENDPOINT: "localhost:9000" }, 'S3_ENDPOINT must be an http(s) URL, got "localhost:9000"'],
    [{ S3_ENDPOINT: "ftp://me:pass@s3" }, 'S3_ENDPOINT must be an http(s) URL, got "ftp://[secret]@s3"'],
    [{}, "S3_ENDPOINT is not set; it has no default"],
    [
      { S3_ENDPOINT: "http://s3", REDUCER_WINDOW_ROWS_MAX: "many" },
      'REDUCER_WINDOW_ROWS_MAX must be a whole number from 1 to 100, got "many"',
    ],
    [
      { S3_ENDPOINT: "http://s3", REDUCER_WINDOW_ROWS_MAX: "101" },
      'REDUCER_WINDOW_ROWS_MAX must be a whole number from 1 to 100, got "101"',
    ],
    [
      { S3_ENDPOINT: "http://s3", S3_ENDPONT: "http://s4" },
      "S3_ENDPONT is not a setting; did you mean S3_ENDPOINT? Correct or unset it",
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

  test("the value of a misspelt secret is not shown", () => {
    const attempt = () => read({ S3_ENDPOINT: "http://s3", S3_SECRET_KEY: "hunter2" });
    expect(attempt).toThrow("S3_SECRET_KEY is not a setting");
    expect(attempt).not.toThrow(/hunter2/);
  });

  test("every problem is told at once", () => {
    expect(() => read({ REDUCER_WINDOW_ROWS_MAX: "0", REDUCER_X: "1" })).toThrow(
      /REDUCER_X .*; S3_ENDPOINT .*REDUCER_WINDOW_ROWS_MAX/,
    );
  });
});

describe("toEnv", () => {
  test("writes what is given, and an undefined value as an empty variable", () => {
    expect(toEnv(shape, { windowRowsMax: 7, s3SecretAccessKey: undefined })).toEqual({
      REDUCER_WINDOW_ROWS_MAX: "7",
      S3_SECRET_ACCESS_KEY: "",
    });
  });

  test("refuses a value that the child would refuse", () => {
    expect(() => toEnv(shape, { windowRowsMax: 101 })).toThrow(
      "REDUCER_WINDOW_ROWS_MAX must be a whole number from 1 to 100, got 101",
    );
  });
});

test("defaultOf tells a setting's default", () => {
  expect(defaultOf(shape.windowRowsMax)).toBe(10);
});
