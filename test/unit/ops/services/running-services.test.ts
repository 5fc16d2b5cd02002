import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readRunningServices, removeRunningServices, writeRunningServices } from "#ops/services/running-services.ts";

test("what runs is read again until it is removed; what is no record counts as none", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-running-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const stateDir = join(folder, "state");
  expect(await readRunningServices(stateDir)).toBeUndefined();
  const running = { tableUri: "s3://a/b", services: [{ name: "ingest", url: "http://127.0.0.1:8080" }] };
  await writeRunningServices(stateDir, running);
  expect(await readRunningServices(stateDir)).toEqual(running);
  await removeRunningServices(stateDir);
  expect(await readRunningServices(stateDir)).toBeUndefined();
  await writeFile(join(stateDir, "services.json"), "{");
  expect(await readRunningServices(stateDir)).toBeUndefined();
});
