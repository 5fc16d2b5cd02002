import { expect } from "vitest";
import { S3_FAULTS } from "./s3-fault-proxy.ts";
import type { S3RequestClass } from "./s3-request-class.ts";
import { useFaultStack } from "./scenario.ts";

/** Reading moments back and the log's own files have their faults too; what they share with these is not repeated. */
const CLASSES: readonly S3RequestClass[] = [
  "get photo",
  "put file",
  "put commit",
  "get commit",
  "list",
  "put moments",
  "put table checkpoint",
  "head",
];

const { scenario } = useFaultStack();

for (const fault of S3_FAULTS) {
  scenario(`S3 answers each kind of request with: ${fault}`, async (world) => {
    const { s3Proxy } = world.parts.stack;
    // A stall lasts 20 s, so more than one reducer meets one at the same time.
    await world.startAll(1, fault === "stall" ? 3 : 1);
    // The client repeats once by itself; three in a row are left to the services' own retries.
    const times = fault === "stall" ? 1 : 3;
    const cells = CLASSES.map((requestClass) => {
      const of = (exchange: { requestClass: S3RequestClass }) => exchange.requestClass === requestClass;
      return { requestClass, injection: s3Proxy.inject({ of, fault, times }) };
    });
    // A reducer asks for the head of its bucket when it starts.
    world.start("reducer");
    const open = () => cells.filter(({ injection }) => !injection.isSpent).map(({ requestClass }) => requestClass);
    await world.flowUntil("each kind of request has met the fault", () => open().length === 0);
    expect(open()).toEqual([]);
  });
}
