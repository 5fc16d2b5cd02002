import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeTinyModel } from "../../faults/tiny-model.ts";
import { writePhotos } from "../ops/local/local-fixtures.ts";
import { runCli } from "./run-cli.ts";

test("local says how many photos are in the table and how many are not, to people, programs and shells", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "fruitstream-local-command-"));
  onTestFinished(() => rm(scratch, { recursive: true }));
  const [photos, model, out] = [join(scratch, "photos"), join(scratch, "model"), join(scratch, "out")];
  await writeTinyModel(model);
  await writePhotos(photos, 0, 5);
  const local = (...flags: string[]) => runCli(["local", "--photos", photos, "--model", model, "--out", out, ...flags]);

  const whole = await local();
  expect(whole).toMatchObject({ code: 0, stdout: expect.stringMatching(/^rows +5 added, 5 in the table$/m) });
  expect(whole.stdout).toMatch(/^dead letters +0 added, 0 open in all$/m);

  await writeFile(join(photos, "apple", "text.jpg"), "no photo");
  const { code, stdout } = await local("--json");
  expect(code).toBe(3);
  const facts = { table: join(out, "table"), rows: 5, rowsAdded: 0, announced: 1, known: 5 };
  expect(JSON.parse(stdout)).toMatchObject({ ...facts, deadLetters: 1, deadLettersAdded: 1 });

  // A later run adds nothing, and the photo is missing as before.
  const later = await local();
  expect(later).toMatchObject({ code: 3, stdout: expect.stringMatching(/^dead letters +0 added, 1 open in all$/m) });
});

test("an output folder that can't be written is refused with a sentence", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "fruitstream-local-command-"));
  onTestFinished(() => rm(scratch, { recursive: true }));
  await writeFile(join(scratch, "file"), "");
  const { code, stderr } = await runCli(["local", "--photos", scratch, "--out", join(scratch, "file", "out")]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^fruitstream: --out must be a folder that can be written, got ".*" \(ENOTDIR.*\)\n$/);
});
