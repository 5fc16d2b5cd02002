import { expect, it } from "vitest";
import { murmur2 } from "#lib/log/key-partition.ts";
import { describeRecordLogContract } from "../../contract/record-log.ts";
import { MemoryRecordLog } from "../../fakes/memory-record-log.ts";

describeRecordLogContract("memory", async () => {
  const log = new MemoryRecordLog();
  return { producer: log, admin: log, consumer: (group, topic) => log.consumer(group, topic) };
});

it("hashes keys of every length as Kafka does", () => {
  expect(["21", "foobar", "a-little-bit-long-string", "abc"].map((key) => murmur2(Buffer.from(key)))).toEqual([
    -973932308, -790332482, -985981536, 479470107,
  ]);
});
