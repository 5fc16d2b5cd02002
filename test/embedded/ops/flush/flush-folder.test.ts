import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { flushFolder } from "#ops/flush/flush-folder.ts";
import { runLocal } from "#ops/local/run-local.ts";
import { quietDeps } from "../../../fakes/quiet-deps.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { type Row, rowsOf, writePhotos } from "../local/local-fixtures.ts";

const never = new AbortController().signal;
const PHOTOS = 3;

let scratch: string;
let out: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-flush-folder-"));
  out = join(scratch, "out");
  await writeTinyModel(join(scratch, "model"));
  await writePhotos(join(scratch, "photos"), 0, PHOTOS);
});
afterEach(() => rm(scratch, { recursive: true }));

const rows = () => rowsOf(out, join(scratch, "reading"));
const flush = (model?: string) => flushFolder(out, model, { env: {} }, 30, never);

/** What a run leaves that was killed between publishing a photo's vector and committing its window. */
async function publishVector(row: Row): Promise<void> {
  const log = await FolderRecordLog.open(join(out, ".fruitstream"), systemClock);
  const topics = topicsWithPrefix(`${row.model}.`);
  const value = photoFeaturesCodec.encode({
    bucket: "local",
    key: "photos/late.png",
    etag: "e",
    label: "late",
    model: String(row.model),
    run: "live",
    features: row.features as Float32Array,
    predictions: null,
    widthPx: 8,
    heightPx: 8,
    capturedAtMs: Date.UTC(2026, 0, 31),
    capturedAtSource: "object",
    ingestedAtMs: Date.UTC(2026, 0, 31),
    featurizedAtMs: Date.UTC(2026, 0, 31),
    sourceTopic: topics.photos,
    sourcePartition: 0,
    sourceOffset: PHOTOS,
    traceparent: null,
  });
  const producer = await log.openProducer();
  // The photo itself: a vector of an offset that nobody has announced would be refused.
  await producer.append(topics.photos, [{ partition: 0, key: null, value: Buffer.from("late.png") }]);
  await producer.append(topics.features, [{ partition: 0, key: null, value }]);
  log.close();
}

test("the table of local gets the vectors that an interrupted run has published", { timeout: 60_000 }, async () => {
  await runLocal({ photos: join(scratch, "photos"), model: join(scratch, "model"), out, components: 2 }, quietDeps());
  await publishVector((await rows())[0]!);
  expect(await flush("tiny")).toMatchObject({ table: join(out, "table"), rows: PHOTOS + 1 });
  const [late] = (await rows()).filter(({ label }) => label === "late");
  expect(late!.pca_features).toHaveLength(2);
  expect(await flush()).toMatchObject({ rows: PHOTOS + 1 });
});

test("a folder that local has not written is refused", async () => {
  await expect(flush()).rejects.toMatchObject({ code: "usage" });
});
