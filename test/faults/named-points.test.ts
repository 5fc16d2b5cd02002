import { expect } from "vitest";
import type { S3Fault } from "./s3-fault-proxy.ts";
import type { S3RequestClass } from "./s3-request-class.ts";
import { useFaultStack } from "./scenario.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const { scenario } = useFaultStack();

scenario(
  "a featurizer is killed right after it fetched a photo",
  async (world) => {
    await world.startAll(2, 2);
    await killAt(world, { requestClass: "get photo", fault: "delivered", skip: 20 });
  },
  ({ kills }) => expect(kills).toBe(1),
);

scenario(
  "a featurizer is killed after it published and before it committed",
  async (world) => {
    const victim = world.start("featurizer", { FEATURIZER_COMMIT_MS: "12000" });
    world.start("reducer");
    await world.shared();
    await world.announce(100);
    await until("its vectors are in the table", async () => (await world.state()).rows === 100);
    victim.kill();
  },
  ({ repeats }) => expect(repeats).toBe(100),
);

scenario(
  "a reducer is killed right after it uploaded a file",
  async (world) => {
    await world.startAll(2, 2);
    await killAt(world, { requestClass: "put file", fault: "reply lost", skip: 3 });
  },
  ({ kills }) => expect(kills).toBe(1),
);

scenario(
  "a reducer is killed right before its commit takes effect",
  async (world) => {
    await world.startAll(2, 2);
    await killAt(world, { requestClass: "put commit", fault: "reset", skip: 3 });
  },
  ({ kills }) => expect(kills).toBe(1),
);

scenario(
  "a reducer is killed right after its commit took effect",
  async (world) => {
    await world.startAll(2, 2);
    await killAt(world, { requestClass: "put commit", fault: "reply lost", skip: 3 });
  },
  ({ kills }) => expect(kills).toBe(1),
);

scenario(
  "a reducer is killed between its commit and the publication of its offsets",
  async (world) => {
    const { kafkaProxy, s3Proxy } = world.parts.stack;
    await world.startAll(1, 1);
    const [victim] = world.of("reducer");
    // Nothing reaches Kafka from before the commit on, so its offsets can't be published.
    const commit = s3Proxy.inject({
      of: ({ requestClass }) => requestClass === "put commit",
      fault: "held",
      onHit: () => kafkaProxy.set("stall"),
    });
    await world.flowUntil("a reducer commits", () => commit.isSpent);
    const committed = victim!.logged("table_committed");
    commit.remove();
    await until("the commit is known to the reducer", () => victim!.logged("table_committed") > committed);
    victim!.kill();
    kafkaProxy.set("pass");
  },
  ({ kills }) => expect(kills).toBe(1),
);

interface KillPoint {
  readonly requestClass: S3RequestClass;
  readonly fault: S3Fault;
  /** So many requests of the class go through before. */
  readonly skip: number;
}

async function killAt(world: World, { requestClass, fault, skip }: KillPoint): Promise<void> {
  const point = world.parts.stack.s3Proxy.inject({
    of: (exchange) => exchange.requestClass === requestClass && exchange.client !== "",
    fault,
    skip,
    onHit: ({ client }) => world.service(client).kill(),
  });
  await world.flowUntil(`a service is killed at "${requestClass}"`, () => point.isSpent);
}
