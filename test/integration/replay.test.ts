import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { formatPartitionOffsets } from "#lib/log/partition-offsets.ts";
import { runServiceToEnd } from "#ops/services/run-service.ts";
import { type Row, TinyPipeline } from "./tiny-pipeline.ts";

let pipeline: TinyPipeline;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(2);
});
afterEach(() => pipeline.close());

describe("photos replayed as a run of their own", () => {
  test("each once, beside live photos, with counts that add up, and nothing twice", { timeout: 180_000 }, async () => {
    const [first, second] = [await pipeline.model("first", 1), await pipeline.model("second", 10)];
    pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: first });
    pipeline.start("reducer");
    const photos = await pipeline.announce(20);
    await pipeline.announce(1, async () => Buffer.from("no photo"));
    await pipeline.untilFeaturized();

    const replay = (run: string, ...more: string[]) =>
      pipeline.cli("replay", "--topic", "photos", "--run", run, "--model", second, ...more);
    const [replayed, live] = await Promise.all([replay("second"), pipeline.announce(15)]);
    expect(countsOf(replayed.stdout)).toMatchObject({ repeats: 0, "dead letters": 1 });
    // Finished, with a dead letter.
    expect(replayed.code).toBe(3);
    const taken = countsOf(replayed.stdout).photos!;
    expect(taken).toBeGreaterThanOrEqual(21);

    await pipeline.untilFeaturized();
    expect((await pipeline.cli("flush")).code).toBe(0);
    let rows = await pipeline.rows();
    expect(pathsOf(rows, "live")).toEqual([...photos, ...live].map((key) => pipeline.photoUri(key)));
    expect(pathsOf(rows, "second")).toHaveLength(taken - 1);
    expect(pathsOf(rows, "second")).toEqual(expect.arrayContaining(photos.map((key) => pipeline.photoUri(key))));
    for (const path of pathsOf(rows, "second")) expectTenfold(rows, path);

    // It goes on where it was left, with the photos that came meanwhile.
    const rest = await replay("second");
    expect(countsOf(rest.stdout)).toMatchObject({ photos: 36 - taken, "rows added": 36 - taken, repeats: 0 });
    expect(countsOf((await replay("second")).stdout)).toMatchObject({ photos: 0, "rows added": 0 });

    // Kafka forgets the offsets of groups: the table does not, and takes nothing twice.
    const starts = [0, 1].map((partition) => ({ partition, offset: 0 }));
    await pipeline.admin.commitOffsets(`${pipeline.id}.replay.second`, pipeline.topics.photos, starts);
    const again = await replay("second", "--from", "earliest");
    expect(countsOf(again.stdout)).toEqual({ photos: 36, "rows added": 0, repeats: 35, "dead letters": 1 });
    expect(again.code).toBe(3);
    rows = await pipeline.rows();
    expect(rows).toHaveLength(70);

    const otherModel = await pipeline.cli("replay", "--topic", "photos", "--run", "second", "--model", first);
    expect(otherModel.stderr).toMatch(/run "second" has rows of model second-.*name a run of its own/);
    const otherTable = `${pipeline.tableUri}-empty`;
    expect((await pipeline.cli("replay", "--topic", "features", "--table", otherTable, "--to", "0:0")).code).toBe(0);
    expect((await replay("second", "--table", otherTable)).stderr).toMatch(/-empty does not know of it/);
    expect((await replay("live")).stderr).toMatch(/"live" is the run of photos that arrive/);
  });

  test("a replay that is interrupted goes on where it was", async () => {
    const model = await pipeline.model("mean", 1);
    pipeline.start("reducer");
    await pipeline.announce(200);
    process.env.FEATURIZER_IN_FLIGHT_PHOTOS_MAX = "1";
    onTestFinished(() => {
      delete process.env.FEATURIZER_IN_FLIGHT_PHOTOS_MAX;
    });
    const args = ["replay", "--topic", "photos", "--run", "slow", "--model", model];
    const interrupted = pipeline.startCli(...args);
    const committed = async () => {
      const offsets = await pipeline.admin.committedOffsets(`${pipeline.id}.replay.slow`, pipeline.topics.photos);
      return offsets.reduce((sum, { offset }) => sum + offset, 0);
    };
    while ((await committed()) === 0) await new Promise(setImmediate);
    interrupted.interrupt();
    const { code, stderr } = await interrupted.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/to go on, run the same command again/);

    const left = 200 - (await committed());
    expect(left).toBeGreaterThan(0);
    const { stdout } = await pipeline.cli(...args);
    const counts = countsOf(stdout);
    expect(counts.photos).toBe(left);
    expect(counts["rows added"]! + counts.repeats!).toBe(left);
    const rows = await pipeline.rows();
    expect(rows).toHaveLength(200);
    expect(new Set(rows.map(({ path }) => path)).size).toBe(200);
  });

  test("a named start that would lose photos is refused", async () => {
    const model = await pipeline.model("mean", 1);
    pipeline.start("reducer");
    await pipeline.announce(20);
    const replay = (...more: string[]) =>
      pipeline.cli("replay", "--topic", "photos", "--run", "part", "--model", model, ...more);
    const part = await replay("--from", "0:2", "--to", "0:5");
    expect(countsOf(part.stdout)).toEqual({ photos: 3, "rows added": 3, repeats: 0, "dead letters": 0 });
    expect((await replay("--from", "0:1")).stderr).toMatch(/began partition 0 at 2 and has come to 5/);
    expect((await replay("--from", "0:6")).stderr).toMatch(/so it can't begin at 6/);
    expect((await replay("--from", "0:2000")).stderr).toMatch(/has records from 0 up to/);
    const offsets = (await pipeline.rows()).map((row) => `${row.source_partition}:${row.source_offset}`);
    expect(offsets.sort()).toEqual(["0:2", "0:3", "0:4"]);
  });
});

test("featurizers with an end stop there by themselves, several of one group", async () => {
  const model = await pipeline.model("mean", 1);
  await pipeline.announce(40);
  const ends = await pipeline.admin.endOffsets(pipeline.topics.photos);
  const until = ends.map(({ partition, offset }) => ({ partition, offset: offset - 3 }));
  const env = {
    ...pipeline.env,
    FEATURIZER_MODEL_DIR: model,
    FEATURIZER_RUN: "bounded",
    FEATURIZER_GROUP: `${pipeline.id}.bounded`,
    FEATURIZER_UNTIL: formatPartitionOffsets(until),
  };
  const signal = new AbortController().signal;
  const service = { name: "featurizer", kind: "featurizer", env: { ...process.env, ...env }, log: undefined } as const;
  const bounded = () => runServiceToEnd(service, signal);
  await Promise.all([bounded(), bounded(), bounded()]);
  expect(await pipeline.admin.committedOffsets(env.FEATURIZER_GROUP, pipeline.topics.photos)).toEqual(until);

  pipeline.start("reducer");
  expect((await pipeline.cli("flush")).code).toBe(0);
  const rows = await pipeline.rows();
  expect(rows).toHaveLength(34);
  for (const { source_partition, source_offset } of rows) {
    expect(Number(source_offset)).toBeLessThan(until[Number(source_partition)]!.offset);
  }
});

test("a table is built anew from its vectors, from the beginning or from a place", { timeout: 180_000 }, async () => {
  const model = await pipeline.model("mean", 1);
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  pipeline.start("reducer");
  await pipeline.announce(30);
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);

  const anew = `${pipeline.tableUri}-anew`;
  const rebuild = (table: string, ...more: string[]) =>
    pipeline.cli("replay", "--topic", "features", "--table", table, ...more);
  const built = await rebuild(anew);
  expect(countsOf(built.stdout)).toMatchObject({ vectors: 32, "rows added": 30, repeats: 0, "flush markers": 2 });
  expect(built.code).toBe(0);
  expect(vectorsOf(await pipeline.rows(anew))).toEqual(vectorsOf(await pipeline.rows()));

  await pipeline.announce(5);
  await pipeline.untilFeaturized();
  expect(countsOf((await rebuild(anew)).stdout)).toMatchObject({ vectors: 5, "rows added": 5, repeats: 0 });
  expect(countsOf((await rebuild(anew)).stdout)).toMatchObject({ vectors: 0, "rows added": 0 });

  const tail = `${pipeline.tableUri}-tail`;
  expect(countsOf((await rebuild(tail, "--from", "0:4", "--to", "0:7")).stdout)).toMatchObject({ "rows added": 3 });
  const offsets = (await pipeline.rows(tail)).map((row) => `${row.source_partition}:${row.source_offset}`);
  expect(offsets.sort()).toEqual(["0:4", "0:5", "0:6"]);
});

/** The lines of a summary, as `photos 21`. */
function countsOf(stdout: string): Record<string, number> {
  const lines = [...stdout.matchAll(/^([a-z]+(?: [a-z]+)?) +(\d+)$/gm)];
  return Object.fromEntries(lines.map(([, name, count]) => [name!.replace(" dropped", ""), Number(count)]));
}

function pathsOf(rows: readonly Row[], run: string): string[] {
  return rows
    .filter((row) => row.run === run)
    .map(({ path }) => String(path))
    .sort();
}

/** The second model gives ten times what the first gives. */
function expectTenfold(rows: readonly Row[], path: string): void {
  const [live, second] = ["live", "second"].map((run) => rows.find((row) => row.path === path && row.run === run));
  for (const [index, value] of [...(second!.features as Float32Array)].entries()) {
    expect(value).toBeCloseTo(10 * (live!.features as Float32Array)[index]!, 4);
  }
}

function vectorsOf(rows: readonly Row[]): string[] {
  return rows.map((row) => `${row.source_partition}:${row.source_offset} ${String(row.features)}`).sort();
}
