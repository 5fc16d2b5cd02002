import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { COMMIT_BYTES_MAX, type Commit, readCommit, readCommits } from "#lib/table/delta/delta-log.ts";
import { accessOf, emptyStore, logName, putLogFile } from "../table-fixtures.ts";

const MIB = 2 ** 20;

describe("the commits of a log", () => {
  let store: ObjectStore;
  beforeEach(() => {
    store = emptyStore();
  });

  const putCommit = (version: number, padding = 0) => {
    const action = JSON.stringify({ txn: { appId: "a", version } });
    return putLogFile(store, logName(version), `${action}\n${" ".repeat(padding)}\n`);
  };

  it("come in order, those of some MiB one at a time", async () => {
    const large = [2, 3, 7, 19];
    for (let version = 0; version < 20; version++) await putCommit(version, large.includes(version) ? 2 * MIB : 0);
    let inFlight = 0;
    let largest = 0;
    const slow: ObjectStore = {
      ...store,
      async get(location, options) {
        if (options.bytesMax <= MIB) return store.get(location, options);
        inFlight += 1;
        largest = Math.max(largest, inFlight);
        await setImmediate();
        inFlight -= 1;
        return store.get(location, options);
      },
    };
    const commits: Commit[] = [];
    for await (const commit of readCommits(accessOf(slow), -1, 19)) commits.push(commit);
    expect(commits.map(({ version }) => version)).toEqual(Array.from({ length: 20 }, (_, version) => version));
    expect(commits.map(({ txns }) => txns[0]?.version)).toEqual(commits.map(({ version }) => version));
    expect(largest).toBe(1);
  });

  it("are not complete without one of them", async () => {
    for (const version of [0, 1, 3]) await putCommit(version);
    const read = async () => {
      for await (const { version } of readCommits(accessOf(store), -1, 3)) expect(version).toBeLessThan(2);
    };
    await expect(read()).rejects.toThrow(/no commit of version 2; its log is not complete/);
  });

  it("are refused above the bound, with what to do", async () => {
    let asked = 0;
    const huge: ObjectStore = {
      ...store,
      async get(_, { bytesMax }) {
        asked = bytesMax;
        throw new FruitstreamError("too-large", "it is");
      },
    };
    await expect(readCommit(accessOf(huge), 5)).rejects.toMatchObject({
      code: "invalid-table",
      message: expect.stringMatching(/00005\.json has more than 134217728 bytes, .*; have .* write a checkpoint of it/),
    });
    expect(asked).toBe(COMMIT_BYTES_MAX);
  });
});
