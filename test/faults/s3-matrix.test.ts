import { S3_FAULTS } from "./s3-fault-proxy.ts";
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
  "put table checkpoint",
];
/** What a reducer asks for when it takes over from one that was killed. */
const AT_START: readonly S3RequestClass[] = ["head", "get table checkpoint", "get moments"];

const { scenario } = useFaultStack();

for (const fault of S3_FAULTS) {
  scenario(`S3 answers each kind of request with: ${fault}`, async (world) => {
    // A stall lasts 20 s, so more than one reducer meets one at the same time.
    await world.startAll(1, fault === "stall" ? 3 : 1);
    const inject = (requestClass: S3RequestClass) => {
      const of = (exchange: { requestClass: S3RequestClass }) => exchange.requestClass === requestClass;
      // The client repeats once by itself; three in a row are left to the services' own retries.
      return world.parts.stack.s3Proxy.inject({ of, fault, times: fault === "stall" ? 1 : 3 });
    };
    const meet = async (classes: readonly S3RequestClass[], begin: () => void) => {
      const injections = classes.map((requestClass) => ({ requestClass, injection: inject(requestClass) }));
      begin();
      const open = () => injections.filter(({ injection }) => !injection.isSpent).map((cell) => cell.requestClass);
      await world
        .flowUntil("each kind of request has met the fault", () => open().length === 0)
        .catch((error) => {
          throw new Error(`${error.message}; not so ${open().join(", ")}`);
        });
    };
    await meet(AT_WORK, () => world.start("reducer"));
    await meet(AT_START, () => killAll(world));
  });
}

function killAll(world: World): void {
  for (const reducer of world.of("reducer")) reducer.kill();
}
