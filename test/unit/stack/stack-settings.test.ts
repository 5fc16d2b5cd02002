import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readStackSettings } from "#stack/stack-settings.ts";

test("by default the state is in the project and the cache in the user's", () => {
  expect(readStackSettings({})).toEqual({
    stateDir: fileURLToPath(new URL("../../../.stack", import.meta.url)),
    cacheDir: join(homedir(), ".cache", "fruitstream"),
    kafkaPort: 19_092,
    kafkaControllerPort: 19_093,
    s3Port: 19_000,
  });
});

test("every setting has its variable", () => {
  const env = {
    FRUITSTREAM_STACK_DIR: "/a",
    FRUITSTREAM_CACHE_DIR: "/b",
    FRUITSTREAM_KAFKA_PORT: "1",
    FRUITSTREAM_KAFKA_CONTROLLER_PORT: "2",
    FRUITSTREAM_S3_PORT: "65535",
  };
  const settings = { stateDir: "/a", cacheDir: "/b", kafkaPort: 1, kafkaControllerPort: 2, s3Port: 65_535 };
  expect(readStackSettings(env)).toEqual(settings);
});

test("the cache follows XDG_CACHE_HOME", () => {
  expect(readStackSettings({ XDG_CACHE_HOME: "/cache" }).cacheDir).toBe("/cache/fruitstream");
});

test.each(["0", "65536", "http"])("port %s is refused by the variable's name", (port) => {
  expect(() => readStackSettings({ FRUITSTREAM_S3_PORT: port })).toThrow(/^FRUITSTREAM_S3_PORT /);
});
