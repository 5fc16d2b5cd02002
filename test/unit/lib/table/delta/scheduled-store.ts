import type fc from "fast-check";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";

/** What becomes of a conditional put: the request or the reply is lost, or the answer says that another was first. */
export type Loss = "none" | "request" | "reply" | "answer";

export const unavailable = () => new FruitstreamError("store-unavailable", "no answer; try again");

/** The store with its answers in an order of the scheduler's choosing, and some of those to writers lost. */
export function scheduled(store: ObjectStore, scheduler: fc.Scheduler, nextLoss: () => Loss): ObjectStore {
  return {
    ...store,
    get: scheduler.scheduleFunction((...args) => store.get(...args)),
    putIfAbsent: scheduler.scheduleFunction(async (...args) => {
      const loss = nextLoss();
      if (loss === "request") throw unavailable();
      const won = await store.putIfAbsent(...args);
      if (loss === "reply") throw unavailable();
      return loss === "answer" ? false : won;
    }),
  };
}

/** Repeats what fails because there was no answer. */
export async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof FruitstreamError && error.code === "store-unavailable")) throw error;
    }
  }
}
