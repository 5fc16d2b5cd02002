import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import type { PipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { replayPhotos } from "#ops/replay/replay-photos.ts";
import { type Bench, type BenchContext, sized } from "./bench.ts";
import { type Latency, measureLatency } from "./end-to-end/measure-latency.ts";
import { BenchPipeline, SHORT_WINDOWS } from "./pipeline/bench-pipeline.ts";
import { announcements, readSample, uploadPhotos } from "./pipeline/photo-sample.ts";

/** Larger than MobileNetV2, so that the replay lasts while live photos arrive. */
const SECOND_MODEL = fileURLToPath(new URL("../test/models/resnet18", import.meta.url));
const RUN = "second-model";
/** With half of the cores it lasts until all live photos of its phase have come. */
const REPLAYED_PHOTOS = { full: 10_716, usual: 800, quick: 400 };
/** Of each phase. */
const LIVE_PHOTOS = { full: 800, usual: 200, quick: 40 };
const LIVE_PHOTOS_PER_SECOND = 20;
const WARM_UP_PHOTOS = 100;
/** Vectors of the replay on the topic: by then it is at work. Its flush markers, one a partition, are among them. */
const REPLAY_BEGUN_VECTORS = 54;

/** What a replay with a second model costs those whose photos arrive meanwhile. */
export const replayBench: Bench = {
  name: "replay",
  title: "Replay beside live photos",
  async run(context) {
    const missing = await loadModelFolder(SECOND_MODEL).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (missing !== undefined) {
      return { method: "Not measured.", tables: [], plots: [], notes: [`Skipped: no second model, ${missing}.`] };
    }
    const { store } = await context.stack();
    const photos = await uploadPhotos(store, "replay", await readSample(context.photosFolder));
    const { phases, replayed, rows, seconds } = await measureReplay(context, photos);
    return {
      method: `${replayed} photos are on the topic. One live featurizer of ${context.cores} threads and one reducer (windows of 1 s) are at work; live photos arrive evenly, ${LIVE_PHOTOS_PER_SECOND} a second, ${phases[0]!.count} in each phase: before, while \`fruitstream replay\` runs the photos through ${SECOND_MODEL.split("/").at(-1)} with half of the cores, and after. Latency: from a photo's arrival to the commit of its row.`,
      tables: [
        {
          caption: "Latency of live photos.",
          columns: ["phase", "live photos", "p50, ms", "p99, ms"],
          rows: phases.map(({ name, count, p50Ms, p99Ms }) => [name, count, p50Ms, p99Ms]),
        },
        {
          caption: "The replay.",
          columns: ["figure", "value"],
          rows: [
            ["photos", replayed],
            ["rows added", rows],
            ["seconds", seconds],
            ["photos/s", replayed / seconds],
          ],
        },
      ],
      plots: [],
      notes: [],
    };
  },
};

interface Phase extends Latency {
  readonly name: string;
  readonly count: number;
}

async function measureReplay(context: BenchContext, photos: readonly StoredPhoto[]) {
  const pipeline = await BenchPipeline.open(context, { name: "replay", partitions: 4 });
  const count = sized(context, LIVE_PHOTOS);
  const phases: Phase[] = [];
  try {
    await announceDone(pipeline, photos, sized(context, REPLAYED_PHOTOS) - WARM_UP_PHOTOS - count);
    const reducer = await pipeline.start("reducer", SHORT_WINDOWS);
    const featurizer = await pipeline.start("featurizer");
    await Promise.all([reducer.untilReady(), featurizer.untilReady()]);
    await pipeline.announce(announcements(photos, WARM_UP_PHOTOS));
    await pipeline.untilInTable(WARM_UP_PHOTOS);
    const phase = async (name: string) => {
      context.tell(`replay: live photos ${name}`);
      const arrivals = { photos, photosPerSecond: LIVE_PHOTOS_PER_SECOND, count };
      phases.push({ name, count, ...(await measureLatency(pipeline, reducer, arrivals)) });
    };

    await phase("before the replay");
    const { records, rows, seconds } = await whileReplaying(context, pipeline, () => phase("during the replay"));
    await phase("after the replay");
    if (rows !== records) {
      throw new FruitstreamError(
        "stack-unavailable",
        `${pipeline.id}: the replay of ${records} photos added ${rows} rows`,
      );
    }
    return { phases, replayed: records, rows, seconds };
  } finally {
    await pipeline.close();
  }
}

/** Replays every photo of the topic, and does work once that has begun; a replay doesn't outlive work that fails. */
async function whileReplaying(context: BenchContext, pipeline: BenchPipeline, work: () => Promise<void>) {
  const publishedBefore = await pipeline.published();
  const over = new AbortController();
  const startedAtMs = Date.now();
  const replay = {
    run: RUN,
    modelFolder: SECOND_MODEL,
    tableUri: formatTableUri(pipeline.table.location),
    from: undefined,
    to: undefined,
    share: 0.5,
    logFile: join(context.workFolder, "replay.log"),
  };
  const signal = AbortSignal.any([context.signal, over.signal]);
  const replaying = replayPhotos(accessTo(pipeline), replay, signal).then((counts) => ({
    ...counts,
    seconds: (Date.now() - startedAtMs) / 1_000,
  }));
  try {
    await Promise.race([pipeline.untilPublished(publishedBefore + REPLAY_BEGUN_VECTORS), replaying]);
    const worked = work().then(() => context.tell("replay: waiting for its end"));
    const [replayed] = await Promise.all([replaying, worked]);
    return replayed;
  } finally {
    over.abort(new Error("nothing to replay for any more"));
    await replaying.catch(() => undefined);
  }
}

/** Photos of the past: on the topic, and behind the live featurizers' committed offsets. */
async function announceDone(pipeline: BenchPipeline, photos: readonly StoredPhoto[], count: number): Promise<void> {
  const { admin } = pipeline.stack;
  await pipeline.announce(announcements(photos, count));
  const ends = await admin.endOffsets(pipeline.topics.photos);
  await admin.commitOffsets(pipeline.featurizerGroup, pipeline.topics.photos, ends);
}

function accessTo({ stack, topics, id }: BenchPipeline): PipelineAccess {
  const { endpoints, kafka, admin, producer, store } = stack;
  const log = kafkaRecordLog(kafka, silentLogger);
  const schemas = new SchemaTopic({ topic: topics.schemas, log, admin, logger: silentLogger });
  const { env } = process;
  const logger = silentLogger;
  return { env, endpoints, topicPrefix: `${id}.`, topics, log, admin, producer, schemas, store, logger };
}
