import type { Environment } from "#lib/runtime/config.ts";
import { endpointsFromEnv, type S3Access, type StackEndpoints, s3AccessFromEnv } from "./endpoints.ts";
import { stackStatus } from "./local-stack.ts";
import { readStackSettings } from "./stack-settings.ts";

/**
 * The stack to work on: the one that the environment names, else the local one when it runs, else undefined.
 *
 * @throws invalid-config when the environment names half a stack or a malformed one.
 */
export async function resolveEndpoints(env: Environment): Promise<StackEndpoints | undefined> {
  return endpointsFromEnv(env) ?? (await localEndpoints(env));
}

/** As `resolveEndpoints`, for work that needs no Kafka: `S3_ENDPOINT` or another `S3_…` variable alone will do. */
export async function resolveS3Access(env: Environment): Promise<S3Access | undefined> {
  return s3AccessFromEnv(env) ?? (await localEndpoints(env));
}

async function localEndpoints(env: Environment): Promise<StackEndpoints | undefined> {
  return (await stackStatus(readStackSettings(env))).endpoints;
}
