import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Whether this project tries long properties as often as they say, or only so often that it answers at once. */
    longProperties: "in full" | "in part";
  }
}

const PART = 10;

/**
 * How often fast-check tries a property that takes long: `all` times in the project `embedded`, which runs the files that
 * call this a second time (vitest.config.ts), and a tenth as often in `unit`.
 */
export function propertyRuns(all: number): { numRuns: number } {
  return { numRuns: inject("longProperties") === "in full" ? all : Math.ceil(all / PART) };
}
