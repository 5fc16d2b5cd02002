import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GROUPS_MAX, groupLabels } from "#analysis/plot/label-groups.ts";

describe("labels", () => {
  it("are groups of their own while they are few, those of most rows first", () => {
    const { groups, groupOf, byFirstWord } = groupLabels(
      new Map([
        ["Apple 1", 3],
        ["Apple 2", 9],
        [null, 1],
      ]),
    );
    expect(byFirstWord).toBe(false);
    expect(groups).toEqual([
      { name: "Apple 2", rows: 9 },
      { name: "Apple 1", rows: 3 },
      { name: "no label", rows: 1 },
    ]);
    expect(groupOf("Apple 1")).toBe("Apple 1");
    expect(groupOf(null)).toBe("no label");
  });

  it("are grouped by their first word when they are many, the smallest groups together", () => {
    const kinds = [..."ABCDEFGHIJKLMN"];
    const labels = kinds.flatMap(
      (kind, index) =>
        [
          [`${kind} red`, 100 - index],
          [`${kind}-green_2`, 1],
        ] as const,
    );
    const { groups, groupOf, byFirstWord } = groupLabels(new Map(labels));
    expect(byFirstWord).toBe(true);
    expect(groups.map(({ name }) => name)).toEqual([...kinds.slice(0, GROUPS_MAX - 1), "others"]);
    expect(groups[0]).toEqual({ name: "A", rows: 101 });
    expect([groupOf("A-green_2"), groupOf("N red")]).toEqual(["A", "others"]);
  });

  it("each have a group, and groups have each row", () => {
    const counts = fc.uniqueArray(fc.tuple(fc.string(), fc.integer({ min: 1, max: 50 })), {
      selector: ([name]) => name,
      minLength: 1,
    });
    fc.assert(
      fc.property(counts, (entries) => {
        const { groups, groupOf } = groupLabels(new Map(entries));
        const rowsOf = new Map<string, number>();
        for (const [label, rows] of entries) rowsOf.set(groupOf(label), (rowsOf.get(groupOf(label)) ?? 0) + rows);
        expect(groups.length).toBeLessThanOrEqual(GROUPS_MAX);
        expect(rowsOf).toEqual(new Map(groups.map(({ name, rows }) => [name, rows])));
      }),
    );
  });
});
