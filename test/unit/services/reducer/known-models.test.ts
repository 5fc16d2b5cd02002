import { expect, test } from "vitest";
import { readConfig, toEnv } from "#lib/runtime/config.ts";
import { reducerWorkConfig } from "#services/reducer/config.ts";

const { models } = reducerWorkConfig;
const read = (text: string) => readConfig({ models }, { REDUCER_MODELS: text }).models;

test("models are read and written with the lengths of their vectors", () => {
  const text = "fruitnet-0123456789ab=64,mobilenet_v2-ba9876543210=1280";
  const known = read(text);
  expect([...known!]).toEqual([
    ["fruitnet-0123456789ab", 64],
    ["mobilenet_v2-ba9876543210", 1280],
  ]);
  expect(toEnv({ models }, { models: known }).REDUCER_MODELS).toBe(text);
});

test.each([
  "fruitnet=64",
  "fruitnet-0123456789ab",
  "fruitnet-0123456789ab=0",
  "fruitnet-0123456789ab=99999",
  "fruitnet-0123456789ab=1,fruitnet-0123456789ab=2",
  "fruitnet-0123456789ab=1,",
])("what names no models is refused with its rule: %s", (text) => {
  expect(() => read(text)).toThrow(/REDUCER_MODELS must be MODEL=VALUES/);
});
