import type { Environment } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { hasJars } from "./jar-cache.ts";
import { findJava, runMaven } from "./java-tools.ts";
import type { StackSettings } from "./stack-settings.ts";

/** What this machine lacks to run the local stack, as a sentence; undefined when it has all. Nothing is started. */
export async function whatStackLacks(settings: StackSettings, env: Environment): Promise<string | undefined> {
  try {
    await findJava(env);
    // Maven only brings the servers' programs.
    if (!(await hasJars(settings.cacheDir))) await runMaven(["--version"]);
    return undefined;
  } catch (error) {
    if (error instanceof FruitstreamError && error.code === "stack-unavailable") return error.message;
    throw error;
  }
}
