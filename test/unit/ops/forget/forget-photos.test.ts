import { describe, expect, test } from "vitest";
import { emptyMoments, foldMoments, momentsOfRows } from "#lib/pca/moments.ts";
import { decodeMoments } from "#lib/pca/moments-codec.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import { checkTable } from "#lib/table/check/check-table.ts";
import type { TableFinding } from "#lib/table/check/table-finding.ts";
import { readRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { readLetters } from "#ops/dead-letters/read-letters.ts";
import { LetterSettler } from "#ops/dead-letters/settle-letters.ts";
import { forgetPhotos } from "#ops/forget/forget-photos.ts";
import type { ForgetRequest } from "#ops/forget/forget-request.ts";
import type { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";
import {
  createForgetWorld,
  depsOf,
  type ForgetWorld,
  location,
  reopened,
  rowAt,
  subject,
  tracesOf,
  uriOf,
} from "./forget-world.ts";

/** What time alone removes. */
const WAITING = ["file of an older version", "table log", "announcement", "vector"];

function requestOf(changes: Partial<ForgetRequest>): ForgetRequest {
  return { photos: [], prefixes: [], announcedBeforeMs: null, ...changes };
}

async function pathsIn(store: ObjectStore): Promise<string[]> {
  const table = await reopened(store);
  const rows = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file, ["path"])));
  return rows
    .flat()
    .map(({ path }) => String(path))
    .sort();
}

async function expectForgotten(world: Pick<ForgetWorld, "store" | "log">, request: ForgetRequest, left: number[]) {
  const table = await reopened(world.store);
  const receipt = await forgetPhotos(request, depsOf(world.store, world.log, table));
  const places = new Set((await tracesOf(world, receipt)).map(({ place }) => place));
  expect([...places].filter((place) => !WAITING.includes(place))).toEqual([]);
  expect(await pathsIn(world.store)).toEqual(left.map(uriOf).sort());
  for (const index of left) {
    const key = uriOf(index).slice("s3://photos/".length);
    expect(await world.store.head({ bucket: "photos", key })).toBeDefined();
  }
  await expectMoments(world.store, left);
  await expectSound(world.store);
  return receipt;
}

/** The newest checkpoint has exactly the rows that are left. */
async function expectMoments(store: ObjectStore, left: readonly number[]): Promise<void> {
  const batch = emptyMoments(8);
  for (const index of left) foldMoments(batch, await momentsOfRows(rowAt(index).features, 8, loopKernel));
  const prefix = tableObject(location, "_fruitstream/moments/").key;
  let checkpoints = 0;
  for await (const { key } of store.list(location.bucket, prefix)) {
    checkpoints += 1;
    const { bytes } = await store.get({ bucket: location.bucket, key }, { bytesMax: 1e6 });
    const { moments } = decodeMoments(bytes, { ...subject, dimensions: 8 });
    expect(moments.count).toBe(left.length);
    const largest = Math.max(...batch.scatter.map(Math.abs));
    for (const [at, value] of batch.scatter.entries()) {
      expect(Math.abs(moments.scatter[at]! - value)).toBeLessThanOrEqual(1e-10 * largest);
    }
  }
  expect(checkpoints).toBeGreaterThan(0);
}

async function expectSound(store: ObjectStore): Promise<void> {
  const findings: TableFinding[] = [];
  const { errors } = await checkTable(await reopened(store), loopKernel, (finding) => findings.push(finding));
  expect(errors, JSON.stringify(findings)).toBe(0);
}

describe("forgetting", () => {
  test("a photo leaves nothing but what time removes, and all others are as they were", async () => {
    const world = await createForgetWorld();
    const receipt = await expectForgotten(world, requestOf({ photos: [uriOf(1)] }), [0, 2, 3, 4, 5]);
    expect(receipt).toMatchObject({ state: "done", rows: 1, objects: 1, letters: 1, buckets: ["photos"] });
    expect(JSON.stringify(receipt)).not.toContain("1.jpg");
    expect(receipt.files).toHaveLength(1);
  });

  test("photos of a prefix, also where whole files go", async () => {
    const world = await createForgetWorld(6, 1);
    const receipt = await expectForgotten(world, requestOf({ prefixes: ["s3://photos/odd/"] }), [0, 2, 4]);
    expect(receipt).toMatchObject({ rows: 3, objects: 3, letters: 3 });
  });

  test("a basis of the rows that are left is published", async () => {
    const world = await createForgetWorld();
    await forgetPhotos(requestOf({ photos: [uriOf(0)] }), world.deps);
    expect(await new BasisStore(world.table, subject).refresh()).toMatchObject({ version: 2, rowCount: 5 });
  });

  test("letters of others stay open, in their order, and settled ones settled", async () => {
    const { log, deps } = await createForgetWorld();
    const letters = async () => {
      const found: [string, string | undefined][] = [];
      await readLetters(deps.logs[0]!, ({ letter }, settled) => void found.push([letter.uri!, settled]));
      return found;
    };
    const settler = new LetterSettler(log, deps.logs[0]!.topics, { nowMs: () => 1, sleep: async () => undefined });
    await readLetters(deps.logs[0]!, async (placed) => {
      if (placed.offset === 0 || placed.offset === 5) await settler.drop(placed);
    });
    await forgetPhotos(requestOf({ photos: [uriOf(2), uriOf(3)] }), deps);
    expect(Object.fromEntries(await letters())).toEqual({
      [uriOf(0)]: "dropped",
      [uriOf(1)]: undefined,
      [uriOf(4)]: undefined,
      [uriOf(5)]: "dropped",
    });
  });

  test("those announced later may come, where the request has a time", async () => {
    const world = await createForgetWorld();
    const announcedBeforeMs = rowAt(3).ingestedAtMs;
    const request = requestOf({ prefixes: ["s3://photos/even/", "s3://photos/odd/"], announcedBeforeMs });
    await forgetPhotos(request, world.deps);
    expect(await pathsIn(world.store)).toEqual([3, 4, 5].map(uriOf).sort());
    // The objects were put later than that.
    expect(await world.store.head({ bucket: "photos", key: "even/0.jpg" })).toBeDefined();
  });

  test("files of older versions go at once when asked to", async () => {
    const world = await createForgetWorld();
    const receipt = await forgetPhotos(requestOf({ photos: [uriOf(1)] }), world.deps, { isPurge: true });
    const places = (await tracesOf(world, receipt)).map(({ place }) => place);
    expect(places).not.toContain("file of an older version");
    await expectSound(world.store);
  });

  test("nothing of a photo that nobody has ever seen", async () => {
    const world = await createForgetWorld();
    const before = await new BasisStore(world.table, subject).refresh();
    const receipt = await forgetPhotos(requestOf({ photos: ["s3://photos/none.jpg"] }), world.deps);
    expect(receipt).toMatchObject({ state: "done", rows: 0, objects: 0, letters: 0, tableVersion: null });
    expect(await tracesOf(world, receipt)).toEqual([]);
    expect(await new BasisStore(world.table, subject).refresh()).toEqual(before);
  });

  test.each([
    requestOf({}),
    requestOf({ photos: ["even/1.jpg"] }),
    requestOf({ prefixes: ["s3://photos/"] }),
    requestOf({ prefixes: ["s3://photos"] }),
  ])("refuses %j, which names no photos", async (request) => {
    const { deps, store } = await createForgetWorld(2);
    await expect(forgetPhotos(request, deps)).rejects.toMatchObject({ code: "usage" });
    expect(await pathsIn(store)).toHaveLength(2);
  });
});

/** A process that is killed after its n-th change of anything outside. */
function killedAt(step: number) {
  let steps = 0;
  const killable =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      steps += 1;
      if (steps > step) throw new Error("killed");
      const result = await call(...given);
      if (steps === step) throw new Error("killed");
      return result;
    };
  return { killable, isOver: () => steps < step };
}

describe("killed at any change, and asked again", { timeout: 120_000 }, () => {
  // Killed before a change is the same as killed after the one before it.
  test("all is done, once", async () => {
    const request = requestOf({ photos: [uriOf(1)], prefixes: ["s3://photos/even/4"] });
    let kills = 0;
    for (let step = 1; ; step++) {
      const world = await createForgetWorld();
      const { killable, isOver } = killedAt(step);
      const store: ObjectStore = {
        ...world.store,
        put: killable(world.store.put),
        putIfAbsent: killable(world.store.putIfAbsent),
        delete: killable(world.store.delete),
        deleteVersion: killable(world.store.deleteVersion),
      };
      const log: MemoryRecordLog = Object.create(world.log, {
        append: { value: killable(world.log.append.bind(world.log)) },
        appendOne: { value: killable(world.log.appendOne.bind(world.log)) },
        deleteBelow: { value: killable(world.log.deleteBelow.bind(world.log)) },
        readTopic: { value: world.log.readTopic.bind(world.log) },
        ensureTopics: { value: world.log.ensureTopics.bind(world.log) },
        endOffsets: { value: world.log.endOffsets.bind(world.log) },
        partitionCount: { value: world.log.partitionCount.bind(world.log) },
        topicSafety: { value: world.log.topicSafety.bind(world.log) },
      });
      const table = await reopened(store);
      const error = await forgetPhotos(request, depsOf(store, log, table)).catch((reason: Error) => reason.message);
      if (isOver()) {
        expect(error).toMatchObject({ state: "done" });
        break;
      }
      expect(error).toBe("killed");
      kills += 1;
      await expectForgotten(world, request, [0, 2, 3, 5]);
    }
    expect(kills).toBeGreaterThan(15);
  });
});
