import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { writePhotos } from "./local-fixtures.ts";

const CLI = fileURLToPath(new URL("../../../../cli/fruitstream.ts", import.meta.url));
const PHOTOS = 240;
/** Full while vectors are on their way, and then large enough. */
const [FULL, ROOMY] = ["900k", "64m"];

/** A file system of one's own wants a mount namespace, which not every machine lets its users have. */
const canMount = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

test.skipIf(!canMount)("a full disk ends a run with a sentence, and with room the next one goes on", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "fruitstream-full-disk-"));
  onTestFinished(() => rm(scratch, { recursive: true }));
  const [model, photos, disk] = [join(scratch, "model"), join(scratch, "photos"), join(scratch, "disk")];
  await writeTinyModel(model);
  await writePhotos(photos, 0, PHOTOS);
  await mkdir(disk);

  const script = `
    mount -t tmpfs -o size=${FULL} tmpfs "$1"; shift
    "$@"; echo "exit code $?"
    mount -o remount,size=${ROOMY} "$DISK"
    "$@"; echo "exit code $?"`;
  const local = [process.execPath, CLI, "local", "--photos", photos, "--out", join(disk, "out"), "--model", model];
  const { stdout, stderr } = spawnSync("unshare", ["-Urm", "sh", "-c", script, "sh", disk, ...local], {
    encoding: "utf8",
    env: { ...process.env, DISK: disk, FEATURIZER_WORKERS: "1" },
  });
  expect(stdout.match(/^exit code \d+/gm)).toEqual(["exit code 1", "exit code 0"]);
  expect(stderr).toMatch(/^fruitstream: there is no room left for .*; make some and go on$/m);
  expect(stdout).toMatch(new RegExp(`^rows .* ${PHOTOS} in the table$`, "m"));
});
