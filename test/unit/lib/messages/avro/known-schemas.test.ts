import { expect, test } from "vitest";
import { formatSchema, parseSchema, readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";
import { singleObjectHeader } from "#lib/messages/avro/single-object.ts";
import { nextSchemas } from "../../../../fakes/next-schemas.ts";

const published = readPublishedSchemas();

test("a schema with its defaults comes back with the same fingerprint", () => {
  for (const schema of nextSchemas().published) {
    expect(parseSchema(formatSchema(schema)).fingerprint, schema.file).toBe(schema.fingerprint);
  }
});

test("what is missing for a message is missing until it is learnt, once", () => {
  const known = new KnownSchemas(published);
  const newer = nextSchemas().published.at(-1)!;
  const message = singleObjectHeader(newer.fingerprint);
  expect(known.isMissingFor(message)).toBe(true);
  expect(known.learn(newer.fingerprint, formatSchema(newer))).toBe(true);
  expect(known.learn(newer.fingerprint, formatSchema(newer))).toBe(false);
  expect(known.isMissingFor(message)).toBe(false);
});

test("a schema under another's fingerprint is refused, known or not", () => {
  const known = new KnownSchemas(published);
  const [first, second] = published;
  expect(() => known.learn(first!.fingerprint, formatSchema(second!))).toThrow(
    /the schema's fingerprint is [0-9a-f]{16}$/,
  );
  expect(() => known.learn(1n, formatSchema(second!))).toThrow(/fingerprint/);
});

test("no more are learnt than a bound", () => {
  const known = new KnownSchemas([]);
  const learn = (index: number) => {
    const text = JSON.stringify({ type: "fixed", name: `F${index}`, size: 1 });
    return known.learn(parseSchema(text).fingerprint, text);
  };
  for (let index = 0; index < 1_024; index++) expect(learn(index)).toBe(true);
  expect(() => learn(1_024)).toThrow(/1024 schemas of other versions are known already/);
  expect(learn(0)).toBe(false);
});
