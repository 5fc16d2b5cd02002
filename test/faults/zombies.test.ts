import { expect } from "vitest";
import type { S3RequestClass } from "./s3-request-class.ts";
import { useFaultStack } from "./scenario.ts";
import type { ServiceKind, ServiceUnderFault } from "./service-under-fault.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const { scenario } = useFaultStack();

scenario("a reducer that was frozen in its commit is fenced when it wakes up", async (world) => {
  await world.startAll(1, 2);
  const zombie = await freezeAndReplace(world, "reducer", "put commit");
  await until("the zombie says that it was fenced", () => zombie.logged("window_fenced") > 0);
});

scenario("a featurizer that was frozen with photos in flight doubles nothing when it wakes up", async (world) => {
  await world.startAll(2, 1);
  const zombie = await freezeAndReplace(world, "featurizer", "get photo");
  await until("the zombie says that it was fenced", () => zombie.logged("member_fenced") > 0);
  await world.shared();
  await world.announce(40);
});

scenario(
  "two groups of reducers write the same table",
  async (world) => {
    world.start("featurizer");
    world.start("reducer");
    world.start("reducer", { REDUCER_GROUP: `${world.groups.reducer}.again` });
    await world.shared();
    await world.flowUntil("one of them was fenced", () =>
      world.of("reducer").some((reducer) => reducer.logged("window_fenced") > 2),
    );
  },
  ({ fenced }) => expect(fenced).toBeGreaterThan(0),
);

/** Freezes a service in the middle of a request, lets another do all of its work, and wakes it up again. */
async function freezeAndReplace(
  world: World,
  kind: ServiceKind,
  requestClass: S3RequestClass,
): Promise<ServiceUnderFault> {
  let zombie: ServiceUnderFault | undefined;
  const request = world.parts.stack.s3Proxy.inject({
    of: (exchange) => exchange.requestClass === requestClass && exchange.client.startsWith(kind),
    fault: "held",
    skip: 2,
    onHit: ({ client }) => {
      zombie = world.service(client);
      zombie.freeze();
    },
  });
  await world.flowUntil(`a ${kind} is frozen in "${requestClass}"`, () => request.isSpent);
  // The group gives its partitions away when the session of 6 s is over.
  const others = world.of(kind).filter((service) => service !== zombie);
  await until("another has all partitions", () => others.some(({ partitions }) => partitions?.length === 4));
  await world.announce(40);
  // What the zombie had in hand is announced again, too.
  await world.announceAgain(80);
  await world.settled();
  zombie!.thaw();
  request.remove();
  return zombie!;
}
