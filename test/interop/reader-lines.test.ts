import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReaderLine, readerLines } from "#demo/reader-lines.ts";
import { runDemo } from "#demo/run-demo.ts";
import { writePhotos } from "../embedded/ops/local/local-fixtures.ts";
import { quietDeps } from "../fakes/quiet-deps.ts";
import { writeTinyModel } from "../faults/tiny-model.ts";

/** An interpreter with the packages of `requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasReaders = spawnSync(python, ["-c", "import deltalake, duckdb, pandas, pyarrow"]).status === 0;
const PHOTOS = 12;

describe.skipIf(!hasReaders)("the lines that a demo prints", () => {
  let scratch: string;
  let lines: ReaderLine[];

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "fruitstream-reader-lines-"));
    const [photos, model] = [join(scratch, "photos"), join(scratch, "model")];
    await writeTinyModel(model);
    await writePhotos(photos, 0, PHOTOS);
    const services = { featurizers: 1, reducers: 1, partitions: 1, components: 2, embedded: true };
    const options = { photos, model, ...services, outputFolder: scratch, exportFolder: undefined };
    lines = readerLines((await runDemo(options, quietDeps())).tableFolder);
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it.each([
    { tool: "pandas", shows: /^0 +file:\/\//m },
    { tool: "DuckDB", shows: new RegExp(`│ apple +│ +${PHOTOS} │`) },
  ])("open its table with $tool", ({ tool, shows }) => {
    const { command } = lines.find((line) => line.tool === tool)!;
    const env = { ...process.env, PATH: `${dirname(python)}:${process.env.PATH}` };
    expect(execFileSync("sh", ["-c", command], { env, encoding: "utf8" })).toMatch(shows);
  });
});
