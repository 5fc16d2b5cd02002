import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPartitionOffsets, parsePartitionOffsets, partitionOffsetsSetting } from "#lib/log/partition-offsets.ts";

test("what is formatted is read again", () => {
  const offsets = fc.uniqueArray(fc.record({ partition: fc.nat(10_000), offset: fc.nat({ max: 2 ** 31 - 1 }) }), {
    selector: ({ partition }) => partition,
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(offsets, (list) => {
      const sorted = list.toSorted((a, b) => a.partition - b.partition);
      expect(parsePartitionOffsets(formatPartitionOffsets(list))).toEqual(sorted);
    }),
  );
});

test.each(["", "0", "0:", ":1", "0:1,", "0:-1", "0:1.5", "0:1,0:2", "a:1", "2026-01-31T12:00:00Z"])(
  "%j is nothing of the kind",
  (text) => {
    expect(parsePartitionOffsets(text)).toBeUndefined();
    expect(partitionOffsetsSetting.safeParse(text).error?.issues[0]?.message).toMatch(/must be partition:offset/);
  },
);
