import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runLocal } from "#ops/local/run-local.ts";
import { quietDeps } from "../../fakes/quiet-deps.ts";
import { writeTinyModel } from "../../faults/tiny-model.ts";
import { writePhotos } from "../ops/local/local-fixtures.ts";
import { runCli } from "./run-cli.ts";

/** The tests follow one folder through its life: each begins where the one before it ended. */
describe("the dead letters that local has left", { timeout: 120_000 }, () => {
  let scratch: string;
  let out: string;
  const run = () =>
    runLocal({ photos: join(scratch, "photos"), model: join(scratch, "model"), out, components: 2 }, quietDeps());
  const letters = (action: string, ...args: string[]) => runCli(["dead-letters", action, ...args, "--out", out]);

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "fruitstream-letters-"));
    out = join(scratch, "out");
    await writeTinyModel(join(scratch, "model"));
    await writePhotos(join(scratch, "photos"), 0, 3);
    await writeFile(join(scratch, "photos", "apple", "text.jpg"), "no photo");
    await run();
  });
  afterAll(() => rm(scratch, { recursive: true }));

  it("are listed and shown, with JSON alone on standard output", async () => {
    const { code, stdout, stderr } = await letters("list", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "1 unsupported-format\n" });
    const listed = JSON.parse(stdout);
    expect(listed).toMatchObject({ deadLetters: 1, reasons: { "unsupported-format": 1 }, unreadable: 0 });
    expect(listed.letters[0]).toMatchObject({ position: "0:0", reason: "unsupported-format", settled: null });
    expect(listed.letters[0].uri).toMatch(/\/photos\/apple\/text\.jpg$/);
    expect((await letters("show", "0:0")).stdout).toMatch(/reason +unsupported-format/);
  });

  it("are retried: the next run featurizes them, and what fails again is another letter", async () => {
    expect(await letters("retry", "0:0")).toMatchObject({ code: 0, stdout: "1 letter retried, 0 refused\n" });
    expect((await letters("list")).stderr).toBe("no dead letters\n");
    expect(await run()).toMatchObject({ announced: 0, leftOver: 1, rowsAdded: 0 });
    expect((await letters("list")).stdout).toMatch(/^0:2 .*unsupported-format/);
  });

  it("are dropped, all that a filter admits", async () => {
    const dropped = await letters("drop", "--reason", "unsupported-format", "--json");
    expect(JSON.parse(dropped.stdout)).toEqual({ dropped: 1, refused: 0 });
    expect((await letters("list")).stderr).toBe("no dead letters\n");
  });

  it("are missed with a sentence where there are none", async () => {
    const elsewhere = join(scratch, "elsewhere");
    await mkdir(elsewhere);
    expect(await runCli(["dead-letters", "list", "--out", elsewhere])).toEqual({
      code: 2,
      stdout: "",
      stderr: `fruitstream: ${elsewhere} holds nothing that "fruitstream local" has left: it has no folder .fruitstream; name the folder that was its --out\n`,
    });
    expect((await letters("list", "--model", "other")).stderr).toMatch(/has photos of tiny-[0-9a-f]+ and none/);
  });
});
