import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { readTopic } from "#lib/log/kafka/read-topic.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { findFreePorts } from "#stack/local-port.ts";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

let pipeline: TinyPipeline;
let folder: string;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(1);
  folder = join(pipeline.folder, "photos");
});
afterEach(() => pipeline.close());

async function write(label: string, ...names: string[]): Promise<void> {
  await mkdir(join(folder, label), { recursive: true });
  for (const name of names) await writeFile(join(folder, label, name), await colouredPhoto(name.length));
}

/** Key and label of each announcement, in the order of the one partition. */
async function arrivals(): Promise<[key: string, label: string | null][]> {
  const found: [string, string | null][] = [];
  const kafka = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "ingest-names" };
  await readTopic(kafka, pipeline.topics.photos, silentLogger, ({ value }) => {
    const { key, label } = photoArrivedCodec.decode(value);
    found.push([key, label]);
  });
  return found;
}

const ingest = async (command: string, place: string, ...more: string[]) => {
  const { code, stdout, stderr } = await pipeline.cli("ingest", command, place, "--json", ...more);
  return { code, stderr, facts: stdout === "" ? undefined : JSON.parse(stdout) };
};

// S3Proxy's disk takes names of 255 bytes, and it needs some of them for itself while it writes.
const LONG = `${"\u679c".repeat(80)}.jpg`;
const LONGEST = `${"\u6c34".repeat(83)}xy.jpg`;

test("an upload ends though S3 can't hold a name, and a backfill finds the same photos under the same labels", async () => {
  await write("kiwi", "1.jpg", "2.JFIF", "IMG_0003", "a".repeat(196).concat(".jpg"), LONG, LONGEST);
  await write("gro\u0308\u00dfe", "4.jpg");
  await writeFile(join(folder, "kiwi", "README"), "no photo");
  const prefix = `${pipeline.id}/`;

  const first = await ingest("upload", folder, "--prefix", prefix);
  expect(first.code, first.stderr).toBe(1);
  expect(first.facts).toMatchObject({ uploaded: 5, announced: 5, skipped: 1, failed: 2 });
  for (const name of [LONG, LONGEST]) expect(first.stderr).toMatch(new RegExp(`not taken: ".*/${name}"`));

  const again = await ingest("upload", folder, "--prefix", prefix);
  expect(again.facts).toMatchObject({ uploaded: 0, existing: 5, announced: 5, failed: 2 });

  const listed = await ingest("backfill", pipeline.photoUri(prefix));
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.facts).toMatchObject({ announced: 5, failed: 0 });
  // No table has them yet, so each command announces all of them.
  const announced = await arrivals();
  expect(announced).toHaveLength(15);
  const [first5, again5, listed5] = [0, 5, 10].map((start) => announced.slice(start, start + 5).sort());
  expect(again5).toEqual(first5);
  expect(listed5).toEqual(first5);
  expect(new Set(announced.map(([, label]) => label))).toEqual(new Set(["kiwi", "gr\u00f6\u00dfe"]));
});

test("a backfill finds what came in over HTTP under names that tell nothing", async () => {
  const [port] = await findFreePorts(1);
  const service = pipeline.startCliIn(pipeline.folder, { HTTP_PORT: String(port) }, "ingest", "serve");
  await service.printed("ingest: ready");
  const names = ["IMG_1", "a.v2", "b.dat", "2024.05.06"];
  for (const name of names) {
    const path = `http://127.0.0.1:${port}/v1/photos/${pipeline.id}/${name}`;
    const { status } = await fetch(path, { method: "PUT", body: await colouredPhoto(3) });
    expect(status).toBe(201);
  }
  const { code, facts } = await ingest("backfill", pipeline.photoUri(`photos/${pipeline.id}/`));
  expect(code).toBe(0);
  expect(facts).toMatchObject({ announced: names.length, skipped: 0 });
});
