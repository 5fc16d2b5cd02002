import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { createKafka } from "#lib/log/kafka/kafka-client.ts";
import type { NewRecord } from "#lib/log/record-log.ts";
import { topicShapes } from "#lib/messages/topics.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "topics-test" };
let pipeline: TinyPipeline;

beforeEach(async () => {
  pipeline = await TinyPipeline.open(2);
});
afterEach(() => pipeline.close());

test("topics are resized between photos, each of which is a row once, announced before or after or both", {
  timeout: 240_000,
}, async () => {
  const model = await pipeline.model("mean", 1);
  let featurizer = pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  pipeline.start("reducer");
  const records: NewRecord[] = [];
  const append = async (topic: string, some: readonly NewRecord[]) => {
    records.push(...some);
    await pipeline.producer.append(topic, some);
  };
  const announced = await pipeline.announce(8, colouredPhoto, append);
  await pipeline.untilFeaturized();
  const refused = await pipeline.cli("topics", "resize", "--partitions", "4");
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("stop all featurizers") });

  await featurizer.stop();
  // Announced while nobody is there to featurize them, by the former number of partitions.
  announced.push(...(await pipeline.announce(4, colouredPhoto, append)));
  const resized = await pipeline.cli("topics", "resize", "--partitions", "4", "--json");
  expect(resized.stderr).not.toMatch(/Error/);
  expect(JSON.parse(resized.stdout)).toMatchObject({
    dryRun: false,
    topics: [
      { topic: pipeline.topics.features, before: 2, after: 4 },
      { topic: pipeline.topics.photos, before: 2, after: 4 },
    ],
  });
  featurizer = pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  // The producer is told of added partitions within ten seconds, and until then appends by the former number.
  announced.push(...(await pipeline.announce(12, colouredPhoto, append)));
  const partitions = () => pipeline.admin.endOffsets(pipeline.topics.photos);
  await vi.waitFor(
    async () => {
      for (const record of records) await pipeline.producer.append(pipeline.topics.photos, [record]);
      expect((await partitions()).every(({ offset }) => offset > 0)).toBe(true);
    },
    { timeout: 60_000, interval: 2_000 },
  );
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);
  const paths = (await pipeline.rows()).map(({ path }) => path);
  expect(paths.sort()).toEqual(announced.map((key) => pipeline.photoUri(key)).sort());
  const shown = await pipeline.cli("topics", "show");
  expect(shown.stdout).toMatch(/features +4 partitions, .*the table counts on 4 and was made from it/);
  expect(await pipeline.admin.endOffsets(pipeline.topics.deadLetters)).toEqual([{ partition: 0, offset: 0 }]);
});

test("vectors of a topic that was created anew and has more than the table are not read", {
  timeout: 180_000,
}, async () => {
  const model = await pipeline.model("mean", 1);
  const [featurizer, reducer] = [
    pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model }),
    pipeline.start("reducer"),
  ];
  await pipeline.announce(4);
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);
  await Promise.all([featurizer.stop(), reducer.stop()]);

  const admin = createKafka(settings, silentLogger).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [pipeline.topics.features] });
  await vi.waitFor(async () => expect(await admin.listTopics()).not.toContain(pipeline.topics.features), {
    timeout: 20_000,
  });
  await admin.disconnect();
  // The client asks for what it has worked with, and fails while that is gone.
  const fresh = await openAdmin(settings, silentLogger);
  await fresh.ensureTopics(topicShapes(pipeline.topics, 2));
  await fresh.close();
  const record = { key: null, value: Buffer.from("of the new topic") };
  const many = Array.from({ length: 40 }, (_, index) => ({ ...record, partition: index % 2 }));
  await vi.waitFor(() => pipeline.producer.append(pipeline.topics.features, many), { timeout: 20_000 });

  const { version } = (await pipeline.table()).snapshot;
  const second = pipeline.start("reducer");
  await expect(second.failure).rejects.toThrow();
  const log = readFileSync(join(pipeline.folder, "reducer-2.log"), "utf8");
  expect(log).toMatch(/is not the topic of that name that the table was made from/);
  expect((await pipeline.table()).snapshot.version).toBe(version);
  const shown = await pipeline.cli("topics", "show", "--json");
  expect(JSON.parse(shown.stdout).topics).toMatchObject([{ isOfTable: true }, { isOfTable: false }]);
});
