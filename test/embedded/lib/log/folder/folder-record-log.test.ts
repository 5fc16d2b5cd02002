import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";

test("a folder keeps other processes out, and what a killed one had appended", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-folder-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const holder = startHolder(folder);
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");

  await expect(FolderRecordLog.open(folder, systemClock)).rejects.toMatchObject({ code: "usage" });
  holder.kill("SIGKILL");
  await once(holder, "exit");
  const log = await FolderRecordLog.open(folder, systemClock);
  onTestFinished(() => log.close());
  const values: string[] = [];
  await log.readTopic("photos", ({ value }) => void values.push(Buffer.from(value!).toString()));
  expect(values).toEqual(["of the holder"]);
});

/** Another process that opens the log, appends a record, says so and stays. */
function startHolder(folder: string) {
  const moduleOf = (path: string) => JSON.stringify(new URL(`../../../../../lib/${path}`, import.meta.url).href);
  const program = `
    const { FolderRecordLog } = await import(${moduleOf("log/folder/folder-record-log.ts")});
    const { systemClock } = await import(${moduleOf("runtime/clock.ts")});
    const log = await FolderRecordLog.open(${JSON.stringify(folder)}, systemClock);
    await (await log.openAdmin()).ensureTopics([{ topic: "photos", partitions: 2 }]);
    await (await log.openProducer()).append("photos", [{ key: null, value: Buffer.from("of the holder") }]);
    console.log("appended");
    setInterval(() => {}, 1_000);`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
}
