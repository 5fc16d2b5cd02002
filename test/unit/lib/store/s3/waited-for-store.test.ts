import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { toStoreError } from "#lib/store/s3/s3-error.ts";
import { waitedForStore } from "#lib/store/s3/waited-for-store.ts";
import { createMemoryObjectStore } from "../../../../fakes/memory-object-store.ts";

const photo = { bucket: "photos", key: "a.jpg" };
const other = { bucket: "photos", key: "b.jpg" };

/** What S3 answers for an object, or what the connection to it throws, by its name. */
const FAULTS: { name: string; status?: number; code?: string; message?: string; outcome: string }[] = [
  { name: "NoSuchKey", status: 404, outcome: "not-found" },
  { name: "AccessDenied", status: 403, outcome: "unreadable-object" },
  { name: "InvalidObjectState", status: 403, outcome: "unreadable-object" },
  { name: "InvalidRequest", status: 400, outcome: "unreadable-object" },
  { name: "KMS.DisabledException", status: 400, outcome: "unreadable-object" },
  { name: "AccessDenied", status: 403, message: "not authorized to perform kms:Decrypt", outcome: "unreadable-object" },
  { name: "PreconditionFailed", status: 412, outcome: "etag-changed" },
  { name: "ExpiredToken", status: 400, outcome: "waits" },
  { name: "InvalidAccessKeyId", status: 403, outcome: "waits" },
  { name: "SignatureDoesNotMatch", status: 403, outcome: "waits" },
  { name: "InvalidToken", status: 400, outcome: "waits" },
  { name: "TokenRefreshRequired", status: 400, outcome: "waits" },
  { name: "CredentialsProviderError", outcome: "waits" },
  { name: "AllAccessDisabled", status: 403, outcome: "waits" },
  { name: "AccountProblem", status: 403, outcome: "waits" },
  { name: "NoSuchBucket", status: 404, outcome: "waits" },
  { name: "PermanentRedirect", status: 301, outcome: "waits" },
  { name: "AuthorizationHeaderMalformed", status: 400, outcome: "waits" },
  { name: "CERT_HAS_EXPIRED", code: "CERT_HAS_EXPIRED", outcome: "waits" },
  { name: "SELF_SIGNED_CERT_IN_CHAIN", code: "SELF_SIGNED_CERT_IN_CHAIN", outcome: "waits" },
  { name: "ERR_TLS_CERT_ALTNAME_INVALID", code: "ERR_TLS_CERT_ALTNAME_INVALID", outcome: "waits" },
  { name: "RequestTimeTooSkewed", status: 403, outcome: "waits" },
  { name: "SlowDown", status: 503, outcome: "waits" },
  { name: "InternalError", status: 500, outcome: "waits" },
  { name: "ECONNREFUSED", code: "ECONNREFUSED", outcome: "waits" },
];

function faultOf({ name, status, code, message = "no" }: (typeof FAULTS)[number], isRead: boolean): unknown {
  const error = Object.assign(new Error(message), { name: code ? "Error" : name }, code ? { code } : {});
  if (status !== undefined) Object.assign(error, { $metadata: { httpStatusCode: status } });
  return toStoreError(error, { endpoint: "http://s3", ...photo, isRead });
}

async function serviceStore(overrides: Partial<ObjectStore>, now = { ms: 0 }) {
  const memory = createMemoryObjectStore(["photos"]);
  await memory.put(other, Buffer.from("b"));
  const clock = { nowMs: () => 0, monotonicMs: () => now.ms, sleep: async () => undefined };
  return waitedForStore({ ...memory, ...overrides }, clock);
}

const codeOf = (outcome: string) => (outcome === "waits" ? "store-unavailable" : outcome);

describe("a photo whose bucket serves others", () => {
  test.each(FAULTS)("$name ($message): $outcome, and the docs say so", async (fault) => {
    const get = async () => {
      throw faultOf(fault, true);
    };
    const store = await serviceStore({ get });
    await expect(store.get(photo, { bytesMax: 9 })).rejects.toMatchObject({ code: codeOf(fault.outcome) });
    const docs = readFileSync(new URL("../../../../../docs/delivery.md", import.meta.url), "utf8");
    const row = docs.split("\n").find((line) => line.startsWith("| ") && line.includes(`\`${fault.name}\``));
    expect(row, fault.name).toContain(fault.outcome === "waits" ? "waited for" : `\`${fault.outcome}\``);
  });
});

const refused = () =>
  new FruitstreamError("access-denied", "refused", { cause: Object.assign(new Error(), { name: "AccessDenied" }) });

test("a bucket that refuses a photo and its listing is waited for, until it gives another", async () => {
  const now = { ms: 0 };
  const memory = createMemoryObjectStore(["photos"]);
  await memory.put(other, Buffer.from("b"));
  const store = await serviceStore(
    {
      get: (location, options) =>
        location.key === "a.jpg" ? Promise.reject(refused()) : memory.get(location, options),
      // biome-ignore lint/correctness/useYield: it refuses before there is anything to yield.
      async *list() {
        throw refused();
      },
    },
    now,
  );
  const read = () => store.get(photo, { bytesMax: 9 });
  await expect(read()).rejects.toMatchObject({ code: "store-unavailable", message: "refused" });
  await store.get(other, { bytesMax: 9 });
  await expect(read()).rejects.toMatchObject({ code: "unreadable-object" });
  now.ms = 10_001;
  await expect(read()).rejects.toMatchObject({ code: "store-unavailable" });
});

test("what writes, lists or looks is waited for too, and nothing else is changed", async () => {
  const fails = async () => {
    throw refused();
  };
  const store = await serviceStore({ put: fails, putIfAbsent: fails, head: fails, delete: fails, ensureBucket: fails });
  const waits = { code: "store-unavailable" };
  await expect(store.put(photo, Buffer.from("a"))).rejects.toMatchObject(waits);
  await expect(store.putIfAbsent(photo, Buffer.from("a"))).rejects.toMatchObject(waits);
  await expect(store.head(photo)).rejects.toMatchObject(waits);
  await expect(store.delete(photo)).rejects.toMatchObject(waits);
  await expect(store.ensureBucket("photos")).rejects.toMatchObject(waits);
  await expect(keysOf(store, "missing")).rejects.toMatchObject(waits);
  expect(await keysOf(store, "photos")).toEqual(["b.jpg"]);
});

async function keysOf(store: ObjectStore, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(bucket, "")) keys.push(key);
  return keys;
}
