import { expect, test } from "vitest";
import { crc64Avro } from "#lib/messages/avro/avro-fingerprint.ts";

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
