import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findTableUri } from "#ops/services/find-table-uri.ts";
import { writeRunningServices } from "#ops/services/running-services.ts";

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "fruitstream-state-"));
});
afterEach(() => rm(stateDir, { recursive: true }));

it("prefers what the caller names to the environment, and that to what `up` fills", async () => {
  await writeRunningServices(stateDir, { tableUri: "s3://tables/up", services: [] });
  const env = { FRUITSTREAM_STACK_DIR: stateDir, TABLE_URI: "s3://tables/environment" };
  expect(await findTableUri("s3://tables/named", { env })).toBe("s3://tables/named");
  expect(await findTableUri(undefined, { env })).toBe("s3://tables/environment");
  expect(await findTableUri(undefined, { env: { ...env, TABLE_URI: "" } })).toBe("s3://tables/up");
});

it("asks where nothing says which", async () => {
  const asked = findTableUri(undefined, { env: { FRUITSTREAM_STACK_DIR: stateDir } });
  await expect(asked).rejects.toThrow(/^which table\? name it as s3:\/\/bucket\/prefix/);
});
