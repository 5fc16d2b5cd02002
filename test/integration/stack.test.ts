import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { findJava } from "#stack/java-tools.ts";
import { findFreePorts } from "#stack/local-port.ts";
import { stackDown, stackStatus, stackUp, stackWipe } from "#stack/local-stack.ts";
import { readStackSettings, type StackSettings } from "#stack/stack-settings.ts";

const javaInstalled = await findJava(process.env).then(
  () => true,
  () => false,
);

const START_MS_MAX = 180_000;

/** The tests follow one stack through its life: each begins where the one before it ended. */
describe.skipIf(!javaInstalled)("the local stack", { timeout: START_MS_MAX }, () => {
  let folder: string;
  let settings: StackSettings;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fruitstream-stack-"));
    const [kafkaPort, kafkaControllerPort, s3Port] = (await findFreePorts(3)) as [number, number, number];
    const stateDir = join(folder, "state of été");
    settings = { ...readStackSettings(process.env), stateDir, kafkaPort, kafkaControllerPort, s3Port };
  });

  afterAll(async () => {
    await stackWipe(settings);
    await rm(folder, { recursive: true });
  });

  test("comes up once for two calls at the same moment", async () => {
    const [first, second] = await Promise.all([stackUp(settings), stackUp(settings)]);
    expect(second.endpoints).toEqual(first.endpoints);
    expect([first.startedHere, second.startedHere].sort()).toEqual([false, true]);
    expect(await statesOf(settings)).toEqual(["answers", "answers"]);
  });

  test("checks signatures", async () => {
    const { endpoints } = await stackUp(settings);
    const stranger = openS3({ ...endpoints, s3SecretAccessKey: "wrong" });
    await expect(stranger.send(new CreateBucketCommand({ Bucket: "photos" }))).rejects.toThrow(
      expect.objectContaining({ name: "SignatureDoesNotMatch" }),
    );
  });

  test("keeps its data while it is down", async () => {
    const { endpoints } = await stackUp(settings);
    const before = openS3(endpoints);
    await before.send(new CreateBucketCommand({ Bucket: "photos" }));
    await before.send(new PutObjectCommand({ Bucket: "photos", Key: "apple/1.jpg", Body: "apple" }));
    const clusterBefore = await clusterFile(settings);

    await stackDown(settings);
    expect(await statesOf(settings)).toEqual(["stopped", "stopped"]);
    expect((await stackStatus(settings)).endpoints).toBeUndefined();

    expect((await stackUp(settings)).startedHere).toBe(true);
    const { Body } = await openS3(endpoints).send(new GetObjectCommand({ Bucket: "photos", Key: "apple/1.jpg" }));
    expect(await Body?.transformToString()).toBe("apple");
    expect(await clusterFile(settings)).toBe(clusterBefore);
  });

  test("after a kill of Kafka, starts Kafka only, over the same data", async () => {
    const [kafka, s3] = (await stackStatus(settings)).servers;
    const clusterBefore = await clusterFile(settings);
    process.kill(kafka!.record!.pid, "SIGKILL");
    await expect.poll(() => statesOf(settings)).toEqual(["stopped", "answers"]);

    expect((await stackUp(settings)).startedHere).toBe(true);
    const [kafkaAfter, s3After] = (await stackStatus(settings)).servers;
    expect(kafkaAfter).toMatchObject({ state: "answers" });
    expect(kafkaAfter!.record!.pid).not.toBe(kafka!.record!.pid);
    expect(s3After!.record).toEqual(s3!.record);
    expect(await clusterFile(settings)).toBe(clusterBefore);
  });

  test("leaves a program alone that got a recorded pid", async () => {
    await stackDown(settings);
    const stranger = { pid: process.pid, startedAt: "another time", port: settings.kafkaPort };
    await writeFile(join(settings.stateDir, "state.json"), JSON.stringify({ servers: { kafka: stranger } }));
    await stackDown(settings);
    expect(await statesOf(settings)).toEqual(["stopped", "stopped"]);
  });

  test("stops what it had started when one of its servers can't start, and shows that server's log", async () => {
    const broken = { ...settings, kafkaControllerPort: settings.kafkaPort };
    await expect(stackUp(broken)).rejects.toMatchObject({
      code: "stack-unavailable",
      message: expect.stringMatching(/Kafka ended while starting; .*kafka\.log ends with:\n[\s\S]*Exception/),
    });
    expect(await statesOf(settings)).toEqual(["stopped", "stopped"]);
  });

  test("leaves nothing behind when it is wiped, except what is not its own", async () => {
    await stackUp(settings);
    await writeFile(join(settings.stateDir, "notes.txt"), "mine");
    await stackWipe(settings);
    expect(await readdir(settings.stateDir)).toEqual(["notes.txt"]);
    await rm(join(settings.stateDir, "notes.txt"));
    await stackWipe(settings);
    expect(existsSync(settings.stateDir)).toBe(false);
  });
});

async function statesOf(settings: StackSettings): Promise<string[]> {
  return (await stackStatus(settings)).servers.map(({ state }) => state);
}

/** Kafka's own note of which cluster its data belong to. */
async function clusterFile({ stateDir }: StackSettings): Promise<string> {
  return readFile(join(stateDir, "kafka", "data", "meta.properties"), "utf8");
}

function openS3(endpoints: StackEndpoints): S3Client {
  return new S3Client({
    endpoint: endpoints.s3Endpoint!,
    region: endpoints.s3Region,
    forcePathStyle: endpoints.s3ForcePathStyle,
    credentials: { accessKeyId: endpoints.s3AccessKeyId!, secretAccessKey: endpoints.s3SecretAccessKey! },
  });
}
