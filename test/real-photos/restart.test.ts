import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { uploadFolder } from "#lib/intake/upload-folder.ts";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { openStackStore, requireEndpoints } from "#ops/pipeline/endpoints.ts";
import { readPipelineState } from "#ops/pipeline/pipeline-state.ts";
import { ServiceProcess } from "#ops/services/service-process.ts";

const PHOTOS = fileURLToPath(new URL("../../../shared/fruits360/small", import.meta.url));
const MODEL = fileURLToPath(new URL("../models/mobilenet_v2", import.meta.url));
const STOP_MS_MAX = 10_000;
const BUCKET = "restart";

let scratch: string;
const processes: ServiceProcess[] = [];
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-restart-"));
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map((service) => service.stop()));
  await rm(scratch, { recursive: true, force: true });
});

test("services stopped with SIGTERM while photos flow are out in time; nothing is lost or doubled", async () => {
  const id = `restart-${randomUUID().slice(0, 8)}`;
  const topics = topicsWithPrefix(`${id}.`);
  const location = { bucket: BUCKET, prefix: id };
  const endpoints = await requireEndpoints(process.env);
  const kafka = { brokers: endpoints.kafkaBrokers, clientId: "restart-test" };
  const store = openStackStore(endpoints);
  const admin = await openAdmin(kafka, silentLogger);
  const producer = await openProducer(kafka, silentLogger);
  await store.ensureBucket(BUCKET);
  await admin.ensureTopics(topicShapes(topics, 2));
  const table = await openTable(store, location, { createIfAbsent: true });
  const start = (kind: "featurizer" | "reducer", number: number) => {
    const service = new ServiceProcess({
      name: `${kind}-${number}`,
      kind,
      log: join(scratch, `${kind}-${number}.log`),
      onRestart: () => undefined,
      env: {
        ...process.env,
        ...inject("stackEnv"),
        TOPIC_PREFIX: `${id}.`,
        TABLE_URI: `s3://${BUCKET}/${id}`,
        HTTP_PORT: "0",
        FEATURIZER_MODEL_DIR: MODEL,
        // Slow enough that photos are still flowing at every stop.
        FEATURIZER_WORKERS: "1",
        FEATURIZER_IN_FLIGHT_PHOTOS_MAX: "8",
        FEATURIZER_BUCKETS: BUCKET,
        FEATURIZER_GROUP: `${id}.featurizers`,
        REDUCER_GROUP: `${id}.reducers`,
        REDUCER_WINDOW_MS_MAX: "500",
      },
    });
    processes.push(service);
    return service;
  };
  const look = () => readPipelineState(admin, table, topics, `${id}.featurizers`);
  const untilRows = async (rows: number) => {
    while ((await look()).rows < rows) await new Promise(setImmediate);
  };

  let featurizer = start("featurizer", 1);
  let reducer = start("reducer", 1);
  const options = { folder: PHOTOS, bucket: BUCKET, prefix: `${id}/`, names: photoNames(), isKnown: () => false };
  const { announced } = await uploadFolder(
    store,
    new PhotoAnnouncer((records) => producer.append(topics.photos, records), systemClock),
    { ...options, unlabelled: /^$/, onFault: (fault) => expect.unreachable(fault.message) },
    { clock: systemClock, signal: new AbortController().signal, onRetry: () => undefined },
    () => undefined,
  );
  expect(announced).toBe(800);

  await untilRows(50);
  await expectStopsInTime(featurizer);
  featurizer = start("featurizer", 2);
  await untilRows(150);
  await expectStopsInTime(reducer);
  reducer = start("reducer", 2);
  await untilRows(300);
  expect((await look()).featurizerLag, "photos are still flowing").toBeGreaterThan(0);
  await Promise.all([expectStopsInTime(featurizer), expectStopsInTime(reducer)]);
  start("featurizer", 3);
  start("reducer", 3);
  await untilRows(announced);

  const files = [...table.snapshot.files.values()];
  const rows = (await Promise.all(files.map((file) => readRows(table, file, ["path"])))).flat();
  expect(rows).toHaveLength(announced);
  expect(new Set(rows.map(({ path }) => path)).size).toBe(announced);
  expect(await look()).toMatchObject({ rows: announced, reducerLag: 0 });

  await Promise.all([admin.close(), producer.close()]);
  store.close();
});

async function expectStopsInTime(service: ServiceProcess): Promise<void> {
  await service.ready;
  const startedAtMs = Date.now();
  await service.stop();
  expect(Date.now() - startedAtMs, `${service.name} stops`).toBeLessThan(STOP_MS_MAX);
  // It says so itself only when it came to its own end, instead of being killed.
  expect(service.rssPeakBytes).toBeGreaterThan(0);
}
