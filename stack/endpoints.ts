import { kafkaConfig } from "#lib/log/kafka/kafka-config.ts";
import { type ConfigOf, type Environment, readConfig, toEnv } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { s3Config, s3OptionsOf } from "#lib/store/s3/s3-config.ts";

/** How a client reaches S3. Without an endpoint that is AWS; without keys AWS's default chain finds credentials. */
export type S3Access = ConfigOf<typeof s3Config>;

const endpointsConfig = { ...kafkaConfig, ...s3Config };

/** How a client reaches Kafka and S3. */
export type StackEndpoints = ConfigOf<typeof endpointsConfig>;

/** The endpoints under the environment names that every part of the project reads; what is left to AWS is empty. */
export function endpointsAsEnv(endpoints: StackEndpoints): Record<string, string> {
  return toEnv(endpointsConfig, endpoints);
}

/**
 * The endpoints that the environment names, or undefined when it names no Kafka. S3 is AWS unless it says otherwise, as
 * for the services.
 *
 * @throws invalid-config when `S3_ENDPOINT` is set without `KAFKA_BROKERS`, since half of one stack and half of another
 * is most likely a mistake; when a value is malformed, and when a name is.
 */
export function endpointsFromEnv(env: Environment): StackEndpoints | undefined {
  const s3 = readS3Access(env);
  if (env.KAFKA_BROKERS) return { ...readConfig(kafkaConfig, env), ...s3 };
  if (s3.s3Endpoint === undefined) return undefined;
  const message =
    "S3_ENDPOINT is set but KAFKA_BROKERS is not; set both for a stack of your own, neither for the local one";
  throw new FruitstreamError("invalid-config", message);
}

/**
 * The S3 that the environment names by any of its variables or, AWS, by naming a Kafka; else undefined.
 *
 * @throws invalid-config when a value or a name is malformed.
 */
export function s3AccessFromEnv(env: Environment): S3Access | undefined {
  const access = readS3Access(env);
  const settings = [...Object.values(kafkaConfig), ...Object.values(s3Config)];
  return settings.some(({ name }) => env[name]) ? access : undefined;
}

/** AWS's own S3, with the credentials of its default chain. */
export function awsS3Access(): S3Access {
  return readS3Access({});
}

function readS3Access(env: Environment): S3Access {
  const access = readConfig(s3Config, env);
  // Refuses half a pair of keys.
  s3OptionsOf(access);
  return access;
}
