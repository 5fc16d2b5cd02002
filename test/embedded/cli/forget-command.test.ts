import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runLocal } from "#ops/local/run-local.ts";
import { quietDeps } from "../../fakes/quiet-deps.ts";
import { writeTinyModel } from "../../faults/tiny-model.ts";
import { rowsOf, writePhotos } from "../ops/local/local-fixtures.ts";
import { runCli } from "./run-cli.ts";

/** The tests follow one folder through its life: each begins where the one before it ended. */
describe("forgetting photos of a local folder", { timeout: 240_000 }, () => {
  let scratch: string;
  let out: string;
  let photo: string;
  const run = () =>
    runLocal({ photos: join(scratch, "photos"), model: join(scratch, "model"), out, components: 2 }, quietDeps());
  const forget = (...args: string[]) => runCli(["forget", ...args, "--out", out]);

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "fruitstream-forget-"));
    out = join(scratch, "out");
    photo = join(scratch, "photos", "apple", "0001.png");
    await writeTinyModel(join(scratch, "model"));
    await writePhotos(join(scratch, "photos"), 0, 5);
    await writeFile(join(scratch, "photos", "apple", "broken.jpg"), "no photo");
    await run();
  });
  afterAll(() => rm(scratch, { recursive: true }));

  it("counts what there is, and changes nothing, when it is only asked", async () => {
    const { code, stdout, stderr } = await forget("--photo", pathToFileURL(photo).href, "--dry-run", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const places = JSON.parse(stdout).traces.map(({ place }: { place: string }) => place);
    expect(new Set(places)).toEqual(new Set(["row", "announcement"]));
    expect(await rowsOf(out, join(scratch, "store"))).toHaveLength(5);
  });

  it("removes everything but the photo's own file, and proves it", async () => {
    const broken = pathToFileURL(join(scratch, "photos", "apple", "broken.jpg")).href;
    // Bounds of the log are cut: they name no photo until it is known which files had its row.
    const { code, stdout } = await forget("--photo", pathToFileURL(photo).href, broken, "--purge", "--json");
    expect(code).toBe(0);
    const receipt = JSON.parse(stdout);
    expect(receipt).toMatchObject({ state: "done", rows: 1, letters: 1, objects: 0 });
    const proof = await forget("--receipt", receipt.id, "--json");
    expect(proof.code).toBe(4);
    const left = JSON.parse(proof.stdout).traces;
    expect(new Set(left.map(({ place }: { place: string }) => place))).toEqual(new Set(["table log"]));
    expect((await stat(photo)).isFile()).toBe(true);
    const paths = (await rowsOf(out, join(scratch, "store"))).map(({ path }) => path);
    expect(paths).toHaveLength(4);
    expect(paths).not.toContain(pathToFileURL(photo).href);
    for (const name of await readdir(join(out, ".fruitstream"))) {
      if (!name.startsWith("records.sqlite")) continue;
      expect((await readFile(join(out, ".fruitstream", name))).includes("0001.png")).toBe(false);
    }
  });

  it("and local, which finds the file again, takes it no more", async () => {
    expect(await run()).toMatchObject({ announced: 0, leftOver: 0, rowsAdded: 0, rows: 4 });
    const sound = await runCli(["table", "check", join(out, "table"), "--json"]);
    expect(JSON.parse(sound.stdout)).toMatchObject({ errors: 0, rows: 4 });
  });

  it("says what it needs", async () => {
    expect(await forget("--owner", "alice")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no column owner"),
    });
    expect(await forget("--photo", "0001.png")).toMatchObject({ code: 2, stderr: expect.stringContaining("0001.png") });
    expect(await forget("--receipt", "none")).toMatchObject({ code: 2, stderr: expect.stringContaining("no receipt") });
    expect(await forget()).toMatchObject({ code: 2, stderr: expect.stringContaining("which photos?") });
  });
});
