import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import type { RecordLog } from "#lib/log/record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import { workplaceConfig } from "#ops/local/local-workplace.ts";
import { startEmbeddedServices } from "#ops/services/embedded-services.ts";
import { featurizerWorkConfig } from "#services/featurizer/config.ts";
import { reducerWorkConfig } from "#services/reducer/config.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";

test("a featurizer that can't commit while it stops leaves no reducer running", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "fruitstream-embedded-"));
  onTestFinished(() => rm(scratch, { recursive: true }));
  await writeTinyModel(join(scratch, "model"));
  const log = await FolderRecordLog.open(join(scratch, "log"), systemClock);
  onTestFinished(() => log.close());
  const store = await openFolderObjectStore(join(scratch, "store"));
  const running = new Set<string>();

  const given = workplaceConfig("tiny", join(scratch, "model"), 2);
  const services = await startEmbeddedServices({
    featurizer: readConfig(featurizerWorkConfig, {}, given.featurizer),
    reducer: readConfig(reducerWorkConfig, {}, given.reducer),
    log: withFullDisk(log, running),
    photoStore: store,
    tableStore: store,
    loggerOf: () => silentLogger,
    signal: new AbortController().signal,
  });
  await expect(services.failure).rejects.toThrow("no room");
  await expect(services.stop()).rejects.toThrow("no room");
  expect([...running]).toEqual([]);
});

/** A log whose groups can commit nothing, and the groups that have a running member. */
function withFullDisk(log: FolderRecordLog, running: Set<string>): RecordLog {
  return {
    openAdmin: () => log.openAdmin(),
    openProducer: () => log.openProducer(),
    readTopic: (topic, onRecord) => log.readTopic(topic, onRecord),
    createConsumer: (membership) => {
      const consumer = log.createConsumer(membership);
      return {
        run: (handlers) => {
          running.add(membership.group);
          return consumer.run(handlers);
        },
        seek: (partition, offset) => consumer.seek(partition, offset),
        commit: async () => {
          throw new FruitstreamError("stack-unavailable", "there is no room left");
        },
        stop: async () => {
          running.delete(membership.group);
          await consumer.stop();
        },
      };
    },
  };
}
