import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { describeRecordLogContract } from "../../../../contract/record-log.ts";

let parent: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "fruitstream-folder-log-"));
});
afterAll(() => rm(parent, { recursive: true }));

describeRecordLogContract("a folder", async () => {
  const log = await FolderRecordLog.open(join(parent, "contract"), systemClock);
  return {
    producer: await log.openProducer(),
    admin: await log.openAdmin(),
    consumer: (group, topic) => log.createConsumer({ group, topic }),
  };
});

describe("a folder as a record log", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(parent, "log-"));
  });

  const record = (value: string) => ({ partition: 0, key: Buffer.from(`key of ${value}`), value: Buffer.from(value) });

  async function open(): Promise<FolderRecordLog> {
    const log = await FolderRecordLog.open(folder, systemClock);
    const admin = await log.openAdmin();
    await admin.ensureTopics([{ topic: "photos", partitions: 2 }]);
    return log;
  }

  async function valuesOf(log: FolderRecordLog): Promise<string[]> {
    const values: string[] = [];
    await log.readTopic("photos", ({ value }) => void values.push(Buffer.from(value!).toString()));
    return values;
  }

  it("removes single records for good, and readers pass over the gaps", async () => {
    const log = await open();
    await (await log.openProducer()).append("photos", ["a", "secret", "c", "secret too"].map(record));
    log.erase("photos", [
      { partition: 0, offset: 1 },
      { partition: 0, offset: 3 },
    ]);
    expect(await valuesOf(log)).toEqual(["a", "c"]);
    expect(log.countOf("photos")).toBe(2);
    expect((await (await log.openAdmin()).endOffsets("photos"))[0]).toEqual({ partition: 0, offset: 4 });
    log.close();
    for (const name of await readdir(folder)) {
      expect((await readFile(join(folder, name))).includes("secret")).toBe(false);
    }
  });

  it("has records, offsets and groups again when it is opened again", async () => {
    const first = await open();
    await (await first.openProducer()).append("photos", [record("a"), record("b")]);
    await (await first.openAdmin()).commitOffsets("group", "photos", [{ partition: 0, offset: 1 }]);
    first.close();

    const second = await open();
    onTestFinished(() => second.close());
    expect(await valuesOf(second)).toEqual(["a", "b"]);
    const admin = await second.openAdmin();
    expect(await admin.committedOffsets("group", "photos")).toEqual([{ partition: 0, offset: 1 }]);
    expect(await (await second.openProducer()).appendOne("photos", record("c"))).toEqual({ partition: 0, offset: 2 });
  });

  it("appends all records of a call or none", async () => {
    const log = await open();
    onTestFinished(() => log.close());
    const producer = await log.openProducer();
    const nowhere = { ...record("b"), partition: 2 };
    await expect(producer.append("photos", [record("a"), nowhere])).rejects.toMatchObject({ code: "invalid-config" });
    expect(await valuesOf(log)).toEqual([]);
    expect(await producer.appendOne("photos", record("c"))).toEqual({ partition: 0, offset: 0 });
  });

  it("finds records by their key", async () => {
    const log = await open();
    onTestFinished(() => log.close());
    await (await log.openProducer()).append("photos", [record("a"), record("b"), record("a")]);
    expect(log.recordsWithKey("photos", Buffer.from("key of a")).map(({ offset }) => offset)).toEqual([0, 2]);
    expect(log.recordsWithKey("photos", Buffer.from("key of c"))).toEqual([]);
  });

  it("keeps offsets when older records are given up", async () => {
    const log = await open();
    onTestFinished(() => log.close());
    const producer = await log.openProducer();
    const admin = await log.openAdmin();
    await producer.append("photos", [record("a"), record("b"), record("c")]);
    log.removeBelow("photos", [{ partition: 0, offset: 2 }]);
    expect((await admin.earliestOffsets("photos"))[0]).toEqual({ partition: 0, offset: 2 });
    log.removeBelow("photos", [{ partition: 0, offset: 3 }]);
    expect((await admin.earliestOffsets("photos"))[0]).toEqual({ partition: 0, offset: 3 });
    expect(await producer.appendOne("photos", record("d"))).toEqual({ partition: 0, offset: 3 });
    expect(await valuesOf(log)).toEqual(["d"]);
  });

  it("says what is wrong with a file that is no log", async () => {
    await writeFile(join(folder, "records.sqlite"), "no database at all, but long enough to be looked at".repeat(20));
    await expect(open()).rejects.toMatchObject({ code: "stack-unavailable" });
  });
});
