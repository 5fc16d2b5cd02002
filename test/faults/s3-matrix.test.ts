import { type InjectionOptions, S3_FAULTS } from "./s3-fault-proxy.ts";
import type { S3RequestClass } from "./s3-request-class.ts";
import { useFaultStack } from "./scenario.ts";
import type { World } from "./world.ts";

const AT_WORK: readonly S3RequestClass[] = [
  "get photo",
  "put file",
  "put commit",
  "get commit",
  "list",
  "put moments",
  "put photo versions",
  "put table checkpoint",
];
/** What a reducer asks for when it takes over from one that was killed. */
const AT_START: readonly S3RequestClass[] = ["head", "get table checkpoint", "get moments", "get photo versions"];
/** Without these having been put, a reducer that takes over has nothing to get. */
const FOR_START: readonly S3RequestClass[] = ["put moments", "put photo versions"];

const { scenario } = useFaultStack();

for (const fault of S3_FAULTS) {
  scenario(`S3 answers each kind of request with: ${fault}`, async (world) => {
    // A stall lasts 20 s, so more than one reducer meets one at the same time.
    await world.startAll(1, fault === "stall" ? 3 : 1);
    // The client repeats once by itself; three in a row are left to the services' own retries.
    const times = fault === "stall" ? 1 : 3;
    await meet(world, { fault, times }, AT_WORK, () => world.start("reducer"));
    // What has just met the fault is repeated by reducers that live on.
    await meet(world, { fault: "delivered" }, FOR_START, () => undefined);
    await meet(world, { fault, times }, AT_START, () => killAll(world));
  });
}

/** Lets photos flow from then on until each kind of request has met the fault. */
async function meet(
  world: World,
  fault: Pick<InjectionOptions, "fault" | "times">,
  classes: readonly S3RequestClass[],
  begin: () => void,
): Promise<void> {
  const injections = classes.map((requestClass) => ({
    requestClass,
    injection: world.parts.stack.s3Proxy.inject({ ...fault, of: (exchange) => exchange.requestClass === requestClass }),
  }));
  begin();
  const open = () => injections.filter(({ injection }) => !injection.isSpent).map((cell) => cell.requestClass);
  await world
    .flowUntil(`each kind of request has met "${fault.fault}"`, () => open().length === 0)
    .catch((error) => {
      throw new Error(`${error.message}; not so ${open().join(", ")}`);
    });
}

function killAll(world: World): void {
  for (const reducer of world.of("reducer")) reducer.kill();
}
