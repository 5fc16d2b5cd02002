import type { Environment } from "#lib/runtime/config.ts";
import { endpointsFromEnv, type S3Access, type StackEndpoints, s3AccessFromEnv } from "./endpoints.ts";
import { endpointsOf, stackStatus } from "./local-stack.ts";
import { readStackSettings, type StackSettings } from "./stack-settings.ts";
import { readStackState } from "./stack-state.ts";

/**
 * The stack to work on: the one that the environment names, else the local one when it runs, else undefined. Variables
 * that `stack up` printed name the local one.
 *
 * @throws invalid-config when the environment names half a stack or a malformed one.
 */
export async function resolveEndpoints(env: Environment): Promise<StackEndpoints | undefined> {
  return (await foreignEndpoints(env, readStackSettings(env))) ?? (await localEndpoints(env));
}

/** As `resolveEndpoints`, for work that needs no Kafka: `S3_ENDPOINT` or another `S3_…` variable alone will do. */
export async function resolveS3Access(env: Environment): Promise<S3Access | undefined> {
  return s3AccessFromEnv(env) ?? (await localEndpoints(env));
}

/**
 * The stack that the environment names, unless that is the local one. Whoever evaluates what `stack up` prints has its
 * variables in the shell from then on, also when it has been stopped again and nothing answers there any more.
 *
 * @throws invalid-config when the environment names half a stack or a malformed one.
 */
export async function foreignEndpoints(env: Environment, settings: StackSettings): Promise<StackEndpoints | undefined> {
  const named = endpointsFromEnv(env);
  if (!named) return undefined;
  const { servers } = await readStackState(settings.stateDir);
  const local = [
    endpointsOf(settings.kafkaPort, settings.s3Port),
    ...(servers.kafka && servers.s3 ? [endpointsOf(servers.kafka.port, servers.s3.port)] : []),
  ];
  const isLocal = local.some(
    ({ kafkaBrokers, s3Endpoint }) =>
      s3Endpoint === named.s3Endpoint && kafkaBrokers.join() === named.kafkaBrokers.join(),
  );
  return isLocal ? undefined : named;
}

/** Whether the local stack was ever started, and its data are kept. */
export async function hasLocalStack(env: Environment): Promise<boolean> {
  const { servers } = await readStackState(readStackSettings(env).stateDir);
  return servers.s3 !== undefined;
}

async function localEndpoints(env: Environment): Promise<StackEndpoints | undefined> {
  return (await stackStatus(readStackSettings(env))).endpoints;
}
