import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { type Bench, type BenchContext, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { summarise } from "../measure/statistics.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { announcements, readSample, uploadPhotos } from "../pipeline/photo-sample.ts";

const PHOTOS = 16;
/** Finer than elsewhere, since the whole takes a second or two. */
const LOOK_MS = 10;
const FIRST_INFERENCE = fileURLToPath(new URL("./first-inference.ts", import.meta.url));
const execFileAsync = promisify(execFile);

/** How soon a new process is of use. */
export const startBench: Bench = {
  name: "start",
  title: "Start: from a process to its first vector",
  async run(context) {
    const { store } = await context.stack();
    const sample = (await readSample(context.photosFolder)).slice(0, PHOTOS);
    const photos = await uploadPhotos(store, "start", sample);
    const photoPath = join(context.workFolder, "start-photo");
    await writeFile(photoPath, sample[0]!.bytes);

    const rounds = await interleave(
      sized(context, { full: 7, usual: 5, quick: 1 }),
      {
        "featurizer, to the first vector on the topic": () => measureFeaturizer(context, photos),
        "model loaded and one photo inferred, to the end of the process": () =>
          timeProcess([FIRST_INFERENCE, context.modelFolder, photoPath, String(context.cores)]),
        "Node itself, doing nothing": () => timeProcess(["--eval", ""]),
      },
      (side, round) => context.tell(`start: ${side}, round ${round}`),
    );
    return {
      method: `A featurizer is started on topics that exist and hold ${PHOTOS} photos; its first vector is seen on the topic by a look at the offsets every ${LOOK_MS} ms. Its limits, in turns with it: a process that loads the model into ${context.cores} threads and infers one photo, and a process that does nothing.`,
      tables: [
        {
          caption: "From the start of the process.",
          columns: ["process", "ms"],
          rows: Object.entries(rounds).map(([name, ms]) => [name, summarise(ms)]),
        },
      ],
      plots: [],
      notes: [],
    };
  },
};

async function measureFeaturizer(context: BenchContext, photos: readonly StoredPhoto[]): Promise<number> {
  const pipeline = await BenchPipeline.open(context, { name: "start", partitions: 4 });
  try {
    await pipeline.announce(announcements(photos, photos.length));
    const { startedAtMs } = await pipeline.start("featurizer");
    const { atMs } = await pipeline.untilPublished(1, LOOK_MS);
    return atMs - startedAtMs;
  } finally {
    await pipeline.close();
  }
}

async function timeProcess(args: readonly string[]): Promise<number> {
  const startedAtMs = performance.now();
  await execFileAsync(process.execPath, [...args]);
  return performance.now() - startedAtMs;
}
