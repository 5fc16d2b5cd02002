import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CONFIG_SHAPES } from "#cli/config-command.ts";
import { type ConfigOf, type ConfigShape, readConfig, type Setting, toEnv } from "#lib/runtime/config.ts";
import { SETTING_NAMES, type SettingName } from "#lib/runtime/setting-names.ts";

const shapes = Object.entries<ConfigShape>(CONFIG_SHAPES);

test("the names of the settings are those that the shapes declare", () => {
  const declared = new Set(shapes.flatMap(([, shape]) => Object.values(shape).map(({ name }) => name)));
  expect([...SETTING_NAMES].sort()).toEqual([...declared].sort());
});

describe.each(shapes)("%s", (_reader, shape) => {
  test("a field is its variable's name in camel case, without the prefix of its reader", () => {
    for (const [field, { name }] of Object.entries(shape)) expect(field).toBe(fieldOf(name));
  });

  test("every setting is described", () => {
    for (const { name, type } of Object.values(shape)) expect(type.description, name).toBeTruthy();
  });

  test("what is written as an environment is read again", () => {
    const configs = fc.record(
      Object.fromEntries(Object.entries(shape).map(([field, declared]) => [field, valuesOf(declared)])),
    ) as fc.Arbitrary<ConfigOf<typeof shape>>;
    fc.assert(
      fc.property(configs, (config) => {
        const inherited = Object.fromEntries(Object.values(shape).map(({ name }) => [name, "of the parent"]));
        expect(readConfig(shape, { ...inherited, ...toEnv(shape, config) })).toEqual(config);
      }),
      { numRuns: 50 },
    );
  });
});

function fieldOf(name: string): string {
  const words = name.replace(/^(FEATURIZER|REDUCER|MAINTAINER|INGEST|FRUITSTREAM)_/, "").toLowerCase();
  return words.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

const text = fc.string({ minLength: 1 });
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const offsets = fc
  .uniqueArray(fc.record({ partition: fc.nat(999_999_999), offset: fc.nat({ max: 999_999_999_999_999 }) }), {
    minLength: 1,
    selector: ({ partition }) => partition,
  })
  .map((list) => list.sort((a, b) => a.partition - b.partition));

/** `fc.webUrl` writes any character of Unicode into paths, for which it makes a table of all of them: that takes a second. */
const urls = fc
  .record({
    scheme: fc.constantFrom("http", "https"),
    host: fc.domain(),
    port: fc.integer({ min: 1, max: 65_535 }),
    path: fc.stringMatching(/^(\/[A-Za-z0-9._~%2F-]{1,20}){0,3}\/?$/),
  })
  .map(({ scheme, host, port, path }) => `${scheme}://${host}:${port}${path}`);

const models = fc
  .uniqueArray(
    fc.tuple(fc.stringMatching(/^[a-z][a-z0-9_-]{0,40}-[0-9a-f]{12}$/), fc.integer({ min: 1, max: 16_384 })),
    {
      minLength: 1,
      maxLength: 5,
      selector: ([model]) => model,
    },
  )
  .map((entries) => new Map(entries));

/** Values of the settings that are neither numbers nor any text. */
const VALUES: Partial<Record<SettingName, fc.Arbitrary<unknown>>> = {
  LOG_LEVEL: fc.constantFrom("debug", "info", "warn", "error"),
  KAFKA_BROKERS: fc.array(
    fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
    { minLength: 1 },
  ),
  S3_ENDPOINT: urls,
  S3_FORCE_PATH_STYLE: fc.boolean(),
  TOPIC_PREFIX: fc.option(name, { nil: "" }),
  INGEST_UNLABELLED_FOLDERS: fc.constantFrom(/^(inbox|new)$/, /a\/b/, /(?:)/, /\d+|x/),
  FEATURIZER_BUCKETS: fc.array(name, { minLength: 1 }),
  FEATURIZER_RUN: name,
  FEATURIZER_UNTIL: offsets,
  REDUCER_UNTIL: offsets,
  REDUCER_MODELS: models,
  TABLE_PARTITION_BY: fc.constantFrom("hour", "day", "month", "none"),
  TABLE_PARTITION_TIME: fc.constantFrom("ingest", "capture"),
};

function valuesOf({ name, type }: Setting): fc.Arbitrary<unknown> {
  const isOptional = type instanceof z.ZodOptional;
  const inner = isOptional || type instanceof z.ZodDefault ? type.unwrap() : type;
  const values = VALUES[name] ?? (inner instanceof z.ZodCodec ? numbersOf(inner.def.out) : text);
  return isOptional ? fc.option(values, { nil: undefined }) : values;
}

function numbersOf(type: unknown): fc.Arbitrary<number> {
  if (!(type instanceof z.ZodNumber)) throw new Error("the test knows no values of this type; add them to VALUES");
  return fc.integer({ min: type.minValue!, max: type.maxValue! });
}
