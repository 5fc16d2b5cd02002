import { readdirSync } from "node:fs";
import { setPriority } from "node:os";
import { wholeNumber } from "./config.ts";

/** A service's setting for `lowerPriority`. */
export const niceSetting = wholeNumber(0, 19)
  .default(0)
  .describe("niceness of the process: with more than 0 it leaves the cores to others that want them");

/**
 * Makes the whole process yield to others on the same cores. Call it before threads are started: they inherit it. On
 * Linux niceness belongs to a thread, so those that run already are told one by one; elsewhere it is the process's.
 *
 * @param nice 0 leaves everything as it is; 19 yields most.
 */
export function lowerPriority(nice: number): void {
  if (nice === 0) return;
  setPriority(nice);
  if (process.platform !== "linux") return;
  for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), nice);
}
