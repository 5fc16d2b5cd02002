import type { Environment } from "../lib/runtime/config.ts";
import { endpointsFromEnv, type StackEndpoints } from "./endpoints.ts";
import { stackStatus } from "./local-stack.ts";
import { readStackSettings } from "./stack-settings.ts";

/**
 * The stack to work on: the one that the environment names, else the local one when it runs, else undefined.
 *
 * @throws invalid-config when the environment names half a stack or a malformed one.
 */
export async function resolveEndpoints(env: Environment): Promise<StackEndpoints | undefined> {
  return endpointsFromEnv(env) ?? (await stackStatus(readStackSettings(env))).endpoints;
}
