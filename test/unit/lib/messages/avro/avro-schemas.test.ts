import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { crc64Avro, readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";

const schemas = readPublishedSchemas();
const published: Record<string, string> = JSON.parse(
  readFileSync(new URL("../../../../../schemas/published.json", import.meta.url), "utf8"),
);

describe("published schemas stay readable", () => {
  test.each(schemas)("$file still has the fingerprint it was published with", ({ file, fingerprint }) => {
    // Messages on topics name this fingerprint. To change a message, add a new version's file and its line.
    expect(published[file]).toBe(fingerprint.toString(16).padStart(16, "0"));
  });

  test("no published file was removed", () => {
    expect(schemas.map(({ file }) => file)).toEqual(expect.arrayContaining(Object.keys(published)));
  });

  test("every version of a message can read and be read by every other", () => {
    for (const reader of schemas) {
      for (const writer of schemas.filter(({ message }) => message === reader.message)) {
        expect(() => reader.type.createResolver(writer.type), `${reader.file} reads ${writer.file}`).not.toThrow();
      }
    }
  });
});

// Values from the Avro project's own test set (share/test/data/schema-tests.txt).
test.each([
  ['"null"', 0x63dd24e7cc258f8an],
  ['"boolean"', 0x9f42fc78a4d4f764n],
  ['"int"', 0x7275d51a3f395c8fn],
  ['"long"', 0xd054e14493f41db7n],
  ['"bytes"', 0x4fc016dac3201965n],
  ['"string"', 0x8f014872634503c7n],
])("the fingerprint of %s is the specification's", (canonicalForm, fingerprint) => {
  expect(crc64Avro(canonicalForm).toString(16)).toBe(fingerprint.toString(16));
});
