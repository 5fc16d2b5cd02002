import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readStackState, type StackState, writeStackState } from "#stack/stack-state.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-state-"));
});

afterEach(() => rm(folder, { recursive: true }));

test("what is written is read again", async () => {
  const state: StackState = { servers: { kafka: { pid: 42, startedAt: "boot 7", port: 19_092 } } };
  await writeStackState(folder, state);
  expect(await readStackState(folder)).toEqual(state);
});

test("without a file, nothing was started", async () => {
  expect(await readStackState(join(folder, "missing"))).toEqual({ servers: {} });
});

test.each(["", "{", "null", '{"servers":{"kafka":{"pid":"42"}}}'])(
  "a broken file, %j, counts as none",
  async (text) => {
    await writeFile(join(folder, "state.json"), text);
    expect(await readStackState(folder)).toEqual({ servers: {} });
  },
);
