import { afterEach, beforeEach, expect, test } from "vitest";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

let pipeline: TinyPipeline;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(2);
});
afterEach(() => pipeline.close());

test("letters are listed, shown, retried and dropped; what is settled is open no more", async () => {
  const model = await pipeline.model("mean", 1);
  const [gone, goneToo] = await pipeline.announce(2, () => colouredPhoto(7));
  await pipeline.announce(1, async () => Buffer.from("no photo"));
  await pipeline.store.delete(pipeline.photoAt(gone!));
  await pipeline.store.delete(pipeline.photoAt(goneToo!));
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  pipeline.start("reducer");
  await pipeline.announce(3);
  await pipeline.untilFeaturized();

  const letters = (...args: string[]) => pipeline.cli("dead-letters", ...args);
  const listed = await letters("list");
  expect(listed.stderr).toBe("2 not-found, 1 unsupported-format\n");
  expect(listed.stdout.split("\n").filter(Boolean)).toHaveLength(3);
  expect((await letters("list", "--prefix", pipeline.photoUri(gone!))).stderr).toBe("1 not-found\n");
  expect((await letters("list", "--since", "2100-01-01")).stderr).toBe("no dead letters\n");

  const broken = /^(0:\d+) .* unsupported-format /m.exec(listed.stdout)![1]!;
  const shown = await letters("show", broken);
  expect(shown.stdout).toMatch(/reason +unsupported-format/);
  expect(shown.stdout).toMatch(/settled +no/);
  expect((await letters("show", "0:999")).stderr).toMatch(/no letter lies at 0:999/);
  expect((await letters("retry")).stderr).toMatch(/which letters\?/);

  // The photos are restored, with the etag that was announced.
  for (const key of [gone!, goneToo!]) await pipeline.store.put(pipeline.photoAt(key), await colouredPhoto(7));
  const retried = await letters("retry", "--reason", "not-found");
  expect(retried).toMatchObject({ code: 0, stdout: "2 letters retried, 0 refused\n" });
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);
  const paths = (await pipeline.rows()).map(({ path }) => path);
  expect(paths).toHaveLength(5);
  expect(paths).toEqual(expect.arrayContaining([pipeline.photoUri(gone!), pipeline.photoUri(goneToo!)]));

  expect((await letters("list")).stderr).toBe("1 unsupported-format\n");
  expect((await letters("retry", "--run", "live", "--reason", "not-found")).stdout).toBe(
    "0 letters retried, 0 refused\n",
  );
  expect(await letters("drop", broken)).toMatchObject({ code: 0, stdout: "1 letter dropped, 0 refused\n" });
  expect((await letters("list")).stderr).toBe("no dead letters\n");
  const all = await letters("list", "--all");
  expect(all.stderr).toBe("2 not-found, 1 unsupported-format\n");
  expect(all.stdout).toMatch(/\[retried\]/);
  expect((await letters("show", broken)).stdout).toMatch(/settled +dropped at /);
});

test("a letter of a replay is not retried into the live run, and says what to do", async () => {
  const model = await pipeline.model("mean", 1);
  pipeline.start("reducer");
  await pipeline.announce(1, async () => Buffer.from("no photo"));
  const replayed = await pipeline.cli("replay", "--topic", "photos", "--run", "again", "--model", model);
  expect(replayed.code).toBe(3);
  const retried = await pipeline.cli("dead-letters", "retry", "--run", "again");
  expect(retried).toMatchObject({ code: 1, stdout: "0 letters retried, 1 refused\n" });
  expect(retried.stderr).toMatch(/replay --topic photos --run NAME --from \d:0 --to \d:1/);
  expect(await pipeline.admin.endOffsets(pipeline.topics.deadLetters)).toEqual([{ partition: 0, offset: 1 }]);
});
