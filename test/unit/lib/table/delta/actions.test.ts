import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAction, parseActions, serialiseActions } from "#lib/table/delta/actions.ts";
import { addOf } from "../table-fixtures.ts";

describe("a commit file", () => {
  it("gives back its actions, whatever their paths", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), (paths) => {
        const actions = paths.flatMap((path) => [
          { add: addOf(path) },
          { remove: { path, deletionTimestamp: 5, dataChange: false } },
        ]);
        expect(parseActions(serialiseActions(actions), "test")).toEqual(actions);
      }),
    );
  });

  it("percent-encodes paths as URIs, and leaves partition folders readable", () => {
    const [line] = serialiseActions([{ add: addOf("model=a%3Ab/dt=2026-03-01/ü #1?.parquet") }]).split("\n");
    expect(JSON.parse(line!).add.path).toBe("model=a%253Ab/dt=2026-03-01/%C3%BC%20%231%3F.parquet");
  });

  it("keeps one action a line, and reads past actions and fields it does not know", () => {
    const text = '{"cdc":{"path":"x"}}\n\n{"txn":{"appId":"a","version":3,"future":true}}\r\n';
    expect(parseActions(text, "test")).toEqual([{}, { txn: { appId: "a", version: 3 } }]);
  });

  it.each([
    ['{"add":{"path":"a"}}', /test line 1 .*partitionValues/s],
    ['{"txn":{"appId":"a","version":1.5}}', /test line 1 .*version/s],
    ['{"remove":{"path":"100%","dataChange":true}}', /not percent-encoded/],
    ['{"add":', /test line 1 is no JSON/],
    ['{"txn":{"appId":"a","version":1}}\n\n{"txn":{"app', /test line 3 is no JSON/],
    ["null", /test line 1 is no valid Delta action/],
  ])("refuses %s with its place", (line, message) => {
    expect(() => parseActions(line, "test")).toThrow(expect.objectContaining({ code: "invalid-table" }) as Error);
    expect(() => parseActions(line, "test")).toThrow(message);
  });

  it("takes a checkpoint's row, where what is absent is null", () => {
    const row = { add: null, remove: null, txn: { appId: "a", version: 1, lastUpdated: null } };
    expect(parseAction(row, "test").txn).toEqual({ appId: "a", version: 1, lastUpdated: null });
  });
});
