import type { Environment } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { s3OptionsOf } from "#lib/store/s3/s3-config.ts";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";
import { awsS3Access, type S3Access, type StackEndpoints } from "#stack/endpoints.ts";
import { hasLocalStack, resolveEndpoints, resolveS3Access } from "#stack/resolve-endpoints.ts";
import type { OpsDeps } from "./ops-deps.ts";

/**
 * The stack that a command works on: the environment's, or the local one.
 *
 * @throws stack-unavailable when there is neither.
 */
export async function requireEndpoints(env: Environment): Promise<StackEndpoints> {
  const endpoints = await resolveEndpoints(env);
  if (endpoints) return endpoints;
  const remedy =
    "start the local one with: npx fruitstream stack up, or set KAFKA_BROKERS (and S3_ENDPOINT, unless on AWS)";
  throw new FruitstreamError("stack-unavailable", `no Kafka and S3 to work on; ${remedy}`);
}

/**
 * The S3 that a command works on which needs no Kafka: the environment's, or the local stack's, or AWS.
 *
 * @throws stack-unavailable when the local stack is stopped and nothing in the environment speaks of AWS: the tables that
 * a demo or `up` has written are there.
 */
export async function findS3Access({ env, note }: OpsDeps): Promise<S3Access> {
  const access = await resolveS3Access(env);
  if (access) return access;
  if ((await hasLocalStack(env)) && !Object.keys(env).some((name) => name.startsWith("AWS_"))) {
    const problem = "the local stack is stopped, and no variable names another S3";
    const remedy = "start it with: npx fruitstream stack up, or set S3_ENDPOINT, or S3_REGION for AWS";
    throw new FruitstreamError("stack-unavailable", `${problem}; ${remedy}`);
  }
  note("no S3_ENDPOINT is set and no local stack runs, so AWS is asked");
  return awsS3Access();
}

export function openStackStore(access: S3Access): ObjectStore {
  return openS3ObjectStore(s3OptionsOf(access));
}
