import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { on, once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { createConsumer } from "#lib/log/kafka/kafka-consumer.ts";
import { silentLogger } from "#lib/runtime/logger.ts";

/** A member that is gone without a word is missed after so long. */
const SESSION_MS = 45_000;
/** A member that has left is not waited for: joining takes seconds on a busy machine. */
const JOIN_MS_MAX = 15_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-crash-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  { by: "its own error", crash: "crashed.reject(error)" },
  { by: "an error that nobody catches", crash: "setTimeout(() => { throw error; })" },
])(
  "a service that crashes by $by leaves its group, and the next one need not wait for its session",
  async ({ crash }) => {
    const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "crash-leaves-group" };
    const topic = randomUUID();
    const admin = await openAdmin(settings, silentLogger);
    await admin.ensureTopics([{ topic, partitions: 2 }]);
    await admin.close();
    const membership = { ...settings, group: topic, topic, sessionMsMax: SESSION_MS };
    const child = await startMember(membership, crash);
    for await (const [message] of on(child, "message")) if (message === "assigned") break;
    const ended = once(child, "exit");
    child.send("crash");
    expect(await ended).toEqual([1, null]);

    const next = createConsumer(membership, silentLogger);
    const owned: (readonly number[])[] = [];
    const running = next.run({
      assigned: async (partitions) => {
        owned.push([...partitions].sort());
        return new Map();
      },
      records: async () => undefined,
    });
    await expect.poll(() => owned, { timeout: JOIN_MS_MAX }).toEqual([[0, 1]]);
    await next.stop();
    await running;
  },
);

/** A process whose service is a member of a group, says when it is one, and crashes when it is told to. */
async function startMember(membership: object, crash: string): Promise<ChildProcess> {
  const urlOf = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href);
  const script = join(folder, `${randomUUID()}.mjs`);
  await writeFile(
    script,
    `
    import { createConsumer } from ${urlOf("log/kafka/kafka-consumer.ts")};
    import { silentLogger } from ${urlOf("runtime/logger.ts")};
    import { runService } from ${urlOf("runtime/service.ts")};
    const error = new Error("crashed as the test asked");
    const crashed = Promise.withResolvers();
    await runService("test", [], async () => {
      const consumer = createConsumer(${JSON.stringify(membership)}, silentLogger);
      const run = () => consumer.run({
        assigned: async () => {
          process.send("assigned");
          return new Map();
        },
        records: async () => undefined,
      });
      process.on("message", (message) => { if (message === "crash") ${crash}; });
      return { run: () => Promise.race([run(), crashed.promise]), stop: () => consumer.stop() };
    });`,
  );
  return fork(script, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
}
