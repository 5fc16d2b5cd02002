import { describe, expect, it } from "vitest";
import type { Action } from "#lib/table/delta/actions.ts";
import { commitOf } from "#lib/table/delta/delta-log.ts";
import { Snapshot } from "#lib/table/delta/snapshot.ts";
import { PROTOCOL } from "#lib/table/delta/table-features.ts";
import { addOf } from "../table-fixtures.ts";

const metaData = { id: "t", format: { provider: "parquet" }, schemaString: "{}", partitionColumns: [] };
const beginning: Action[] = [{ protocol: PROTOCOL }, { metaData }];
const removeOf = (path: string): Action => ({ remove: { path, deletionTimestamp: 1, dataChange: true } });

describe("a snapshot", () => {
  it("has the files added and not removed since, each with its latest statistics", () => {
    const snapshot = new Snapshot(commitOf(0, [...beginning, { add: addOf("a") }, { add: addOf("b") }]));
    snapshot.apply(commitOf(1, [removeOf("a"), { add: { ...addOf("b"), stats: "later" } }]));
    expect([...snapshot.files.keys()]).toEqual(["b"]);
    expect(snapshot.files.get("b")?.stats).toBe("later");
    expect([...snapshot.tombstones.keys()]).toEqual(["a"]);
    snapshot.apply(commitOf(2, [{ add: addOf("a") }]));
    expect([...snapshot.files.keys()]).toEqual(["b", "a"]);
    expect(snapshot.tombstones.size).toBe(0);
  });

  it("has the latest version of every application, and the latest metadata", () => {
    const snapshot = new Snapshot(commitOf(0, [...beginning, { txn: { appId: "a", version: 1 } }]));
    snapshot.apply(commitOf(1, [{ txn: { appId: "a", version: 5 } }, { txn: { appId: "b", version: 2 } }]));
    snapshot.apply(commitOf(2, [{ metaData: { ...metaData, name: "renamed" } }]));
    expect(Object.fromEntries(snapshot.txnVersions)).toEqual({ a: 5, b: 2 });
    expect(snapshot.metadata.name).toBe("renamed");
    expect(snapshot.version).toBe(2);
  });

  it("refuses a commit out of order and stays where it is", () => {
    const snapshot = new Snapshot(commitOf(0, beginning));
    expect(() => snapshot.apply(commitOf(2, []))).toThrow(/version 2 can't follow version 0/);
    expect(snapshot.version).toBe(0);
  });

  it("has a file once that a commit adds twice, or removes and adds", () => {
    const snapshot = new Snapshot(commitOf(0, [...beginning, { add: addOf("a") }, { add: addOf("a") }]));
    snapshot.apply(commitOf(1, [{ add: { ...addOf("a"), stats: "later" } }, removeOf("a")]));
    expect([...snapshot.files.values()].map(({ stats }) => stats)).toEqual(["later"]);
    expect(snapshot.tombstones.size).toBe(0);
  });

  it("keeps what other tools have beside the table, by domain, until it is removed", () => {
    const domainOf = (configuration: string, removed = false): Action => ({
      domainMetadata: { domain: "other", configuration, removed },
    });
    const snapshot = new Snapshot(commitOf(0, [...beginning, domainOf("1")]));
    snapshot.apply(commitOf(1, [domainOf("2")]));
    expect(snapshot.domains.get("other")?.configuration).toBe("2");
    snapshot.apply(commitOf(2, [domainOf("", true)]));
    expect(snapshot.domains.size).toBe(0);
  });

  it("refuses to begin without metaData", () => {
    expect(() => new Snapshot(commitOf(0, [{ protocol: PROTOCOL }]))).toThrow(/without metaData or protocol/);
  });
});
