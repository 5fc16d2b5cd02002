import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";

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
