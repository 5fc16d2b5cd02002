import { randomUUID } from "node:crypto";
import { expect, inject, test } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { createConsumer } from "#lib/log/kafka/kafka-consumer.ts";
import { silentLogger } from "#lib/runtime/logger.ts";

test("of two installations that share a group, the later one stops and says so, and the other keeps its partitions", async () => {
  const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "shared-group" };
  const group = randomUUID();
  const [mine, theirs] = [`${group}.mine`, `${group}.theirs`];
  await using admin = await disposable(openAdmin(settings, silentLogger));
  await admin.it.ensureTopics([
    { topic: mine, partitions: 2 },
    { topic: theirs, partitions: 2 },
  ]);
  const member = (topic: string) => createConsumer({ ...settings, group, topic, sessionMsMax: 6_000 }, silentLogger);
  const assignments: (readonly number[])[] = [];
  const handlers = (assigned: (partitions: readonly number[]) => void) => ({
    assigned: async (partitions: readonly number[]) => {
      assigned(partitions);
      return new Map(partitions.map((partition) => [partition, 0]));
    },
    records: async () => undefined,
    interrupted: () => undefined,
  });

  const first = member(theirs);
  const running = first.run(handlers((partitions) => assignments.push(partitions)));
  await expect.poll(() => assignments.length, { timeout: 20_000 }).toBe(1);

  const second = member(mine);
  await expect(second.run(handlers(() => undefined))).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringContaining(`is at work on "${theirs}", and this member reads "${mine}"`),
  });
  await second.stop();
  // Joined by the other, and left by it again: each time the first has all that it had.
  await expect.poll(() => assignments.length, { timeout: 20_000 }).toBeGreaterThan(1);
  for (const partitions of assignments) expect([...partitions].sort()).toEqual([0, 1]);
  await first.stop();
  await running;
});

async function disposable<Resource extends { close(): Promise<void> }>(opening: Promise<Resource>) {
  const it = await opening;
  return { it, [Symbol.asyncDispose]: () => it.close() };
}
