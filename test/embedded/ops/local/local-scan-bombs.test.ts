import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runLocal } from "#ops/local/run-local.ts";
import { quietDeps } from "../../../fakes/quiet-deps.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { rowsOf, writePhotos } from "./local-fixtures.ts";
import { BOMB_SCANS, scanBomb } from "./scan-bomb.ts";

const BOMBS = 8;
const HONEST = 20;

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-bombs-"));
});
afterEach(() => rm(scratch, { recursive: true }));

/** Each took a decoder some 10 s: eight of them in front of honest photos held those up for a minute and more. */
test("JPEGs of thousands of scans are letters, and the photos behind them rows", { timeout: 60_000 }, async () => {
  const [photos, model, out] = [join(scratch, "photos"), join(scratch, "model"), join(scratch, "out")];
  await writeTinyModel(model);
  // Names are announced in order: the bombs come first, and the honest photos after them.
  await mkdir(join(photos, "aa"), { recursive: true });
  const bomb = scanBomb(6_000);
  for (let index = 0; index < BOMBS; index++) {
    await writeFile(join(photos, "aa", `${index}.jpg`), Buffer.concat([bomb, Buffer.of(index)]));
  }
  await writePhotos(photos, 0, HONEST);

  const result = await runLocal({ photos, model, out, components: 2 }, quietDeps());

  expect(result).toMatchObject({ announced: BOMBS + HONEST, rows: HONEST });
  expect(result.deadLetters.map(({ reason, detail }) => [reason, detail])).toEqual(
    Array(BOMBS).fill(["pixel-limit", expect.stringContaining(`a JPEG of ${BOMB_SCANS} scans`)]),
  );
  const rows = await rowsOf(out, join(scratch, "reading"));
  expect(rows.every(({ path }) => String(path).includes("/apple/"))).toBe(true);
});
