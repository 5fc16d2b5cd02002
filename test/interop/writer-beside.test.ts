import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TinyPipeline } from "../integration/tiny-pipeline.ts";

/** An interpreter with the packages of `requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasWriter = spawnSync(python, ["-c", "import deltalake, pyarrow"]).status === 0;
if (!hasWriter) console.warn(`SKIPPED writer-beside: ${python} lacks deltalake or pyarrow; set FRUITSTREAM_PYTHON`);

/** So many photos are in the table before delta-rs begins. */
const PHOTOS_BEFORE = 30;
const ROUNDS = 3;

describe.skipIf(!hasWriter)("a table that delta-rs works on while its pipeline runs", () => {
  let pipeline: TinyPipeline;
  beforeEach(async () => {
    pipeline = await TinyPipeline.open(3);
  });
  afterEach(() => pipeline.close());

  it("has each photo once: compacted, sorted, vacuumed, but for those that were deleted, with what was merged", async () => {
    pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: await pipeline.model("mean", 1) });
    for (let reducer = 0; reducer < 2; reducer++) pipeline.start("reducer");
    const keys = await pipeline.announce(PHOTOS_BEFORE);
    await settled();

    const script = fileURLToPath(new URL("./write_beside.py", import.meta.url));
    const options = { env: { ...process.env, ...pipeline.env } };
    let isDone = false;
    const run = promisify(execFile)(python, [script, pipeline.tableUri, `${ROUNDS}`], options);
    const written = run.finally(() => {
      isDone = true;
    });
    while (!isDone) keys.push(...(await pipeline.announce(5)));
    const { checkpoint, conflicts, ...counts } = JSON.parse((await written).stdout);
    keys.push(...(await pipeline.announce(20)));
    await settled();

    const deleted = Array.from({ length: ROUNDS }, (_, round) => keys[3 * round]!);
    const merged = Array.from({ length: ROUNDS }, (_, round) => keys[3 * round + 1]!);
    console.info(`${keys.length} photos beside delta-rs`, { ...counts, conflicts, checkpoint });
    expect(counts).toMatchObject({ rows_deleted: ROUNDS, rows_merged: ROUNDS });
    expect(counts.files_compacted).toBeGreaterThan(0);
    const rows = await pipeline.rows();
    const paths = rows.map(({ path }) => path).sort();
    expect(paths).toEqual(
      keys
        .filter((key) => !deleted.includes(key))
        .map((key) => pipeline.photoUri(key))
        .sort(),
    );
    const labelled = rows.filter(({ label }) => label === "merged").map(({ path }) => path);
    expect(labelled.sort()).toEqual(merged.map((key) => pipeline.photoUri(key)).sort());
    expect(checkpoint).toBeGreaterThan(0);
  });

  async function settled(): Promise<void> {
    await pipeline.untilFeaturized();
    expect(await pipeline.cli("flush")).toMatchObject({ code: 0, stderr: expect.not.stringContaining("error") });
  }
});
