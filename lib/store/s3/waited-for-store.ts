import type { MonotonicClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectLocation, ObjectStore } from "../object-store.ts";
import { isOfCredentials } from "./s3-error.ts";

/** A bucket that has given an object so short a time ago does not refuse them all. */
const READ_MS_AGO_MAX = 10_000;

/**
 * The store as a service wants it, which nobody watches: what only an operator can mend (expired or wrong credentials, a
 * bucket that is refused or missing, a wrong region, a certificate) is waited for as an outage is, with health saying so,
 * since a service that ends would only be started again.
 *
 * A read that is refused is that object's own fault where the bucket doesn't refuse others: when it has given an object
 * within the last ten seconds, or lets itself be listed. Then it is `unreadable-object`. Otherwise the bucket is taken to be
 * refused as a whole, and the read is tried again until another one succeeds.
 */
export function waitedForStore(store: ObjectStore, clock: MonotonicClock): ObjectStore {
  /** By bucket, when it gave an object last. */
  const readAtMs = new Map<string, number>();

  const isServed = async (bucket: string): Promise<boolean> => {
    const nowMs = clock.monotonicMs();
    if (nowMs - (readAtMs.get(bucket) ?? Number.NEGATIVE_INFINITY) <= READ_MS_AGO_MAX) return true;
    try {
      for await (const _ of store.list(bucket, "")) return true;
      return true;
    } catch {
      return false;
    }
  };

  async function read<Result>(location: ObjectLocation, attempt: () => Promise<Result>): Promise<Result> {
    try {
      const object = await attempt();
      readAtMs.set(location.bucket, clock.monotonicMs());
      return object;
    } catch (error) {
      const isRefusal = error instanceof FruitstreamError && error.code === "access-denied";
      if (!isRefusal || isOfCredentials(error.cause) || !(await isServed(location.bucket))) throw waitedFor(error);
      throw new FruitstreamError("unreadable-object", error.message, { cause: error.cause });
    }
  }

  const waiting =
    <Given extends readonly unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    (...given: Given): Promise<Result> =>
      call(...given).catch((error) => {
        throw waitedFor(error);
      });

  return {
    getStart: waiting(store.getStart),
    get: (location, options) => read(location, () => store.get(location, options)),
    getRange: (location, range) => read(location, () => store.getRange(location, range)),
    head: waiting(store.head),
    put: waiting(store.put),
    putIfAbsent: waiting(store.putIfAbsent),
    list: (...given) => waitingList(store.list(...given)),
    delete: waiting(store.delete),
    listVersions: (...given) => waitingList(store.listVersions(...given)),
    deleteVersion: waiting(store.deleteVersion),
    ensureBucket: waiting(store.ensureBucket),
    close: () => store.close(),
  };
}

async function* waitingList<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
  try {
    yield* items;
  } catch (error) {
    throw waitedFor(error);
  }
}

function waitedFor(error: unknown): unknown {
  if (!(error instanceof FruitstreamError)) return error;
  if (error.code !== "access-denied" && error.code !== "invalid-config") return error;
  return new FruitstreamError("store-unavailable", error.message, { cause: error.cause });
}
