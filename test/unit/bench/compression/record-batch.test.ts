import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeRecords } from "#bench/compression/record-batch.ts";

const require = createRequire(import.meta.url);
const Encoder = require("kafkajs/src/protocol/encoder.js");
const Record = require("kafkajs/src/protocol/recordBatch/record/v0/index.js");

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const records = fc.array(fc.record({ key: fc.option(bytes), value: bytes }), { maxLength: 200 });

test("records are laid out as kafkajs lays them out", () => {
  fc.assert(
    fc.property(records, (batch) => {
      const theirs = batch.map(({ key, value }, offsetDelta) => Record({ key, value, offsetDelta }));
      const expected: Buffer = new Encoder().writeEncoderArray(theirs).buffer;
      expect(encodeRecords(batch).equals(expected)).toBe(true);
    }),
  );
});
