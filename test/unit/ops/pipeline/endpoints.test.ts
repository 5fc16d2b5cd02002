import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findS3Access } from "#ops/pipeline/endpoints.ts";
import { writeStackState } from "#stack/stack-state.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-endpoints-"));
});
afterEach(() => rm(folder, { recursive: true }));

const find = async (variables: Record<string, string> = {}) => {
  const notes: string[] = [];
  const env = { FRUITSTREAM_STACK_DIR: folder, ...variables };
  return { access: await findS3Access({ env, note: (line) => notes.push(line) }), notes };
};

test("a machine that never had a local stack asks AWS, and is told so", async () => {
  const { access, notes } = await find();
  expect(access.s3Endpoint).toBeUndefined();
  expect(notes).toEqual(["no S3_ENDPOINT is set and no local stack runs, so AWS is asked"]);
});

test("a local stack that is stopped is named, unless the environment speaks of AWS", async () => {
  const server = { pid: 0, startedAt: "never", port: 1 };
  await writeStackState(folder, { servers: { kafka: server, s3: server } });
  await expect(find()).rejects.toMatchObject({ code: "stack-unavailable", message: /the local stack is stopped/ });
  expect((await find({ AWS_PROFILE: "me" })).notes).toHaveLength(1);
  expect((await find({ S3_REGION: "eu-central-1" })).notes).toEqual([]);
});
