import { type Environment, readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { s3Config, s3OptionsOf } from "#lib/store/s3/s3-config.ts";

/** How a client reaches S3. Without an endpoint that is AWS; without keys AWS's default chain finds credentials. */
export interface S3Access {
  readonly s3Endpoint?: string | undefined;
  readonly s3Region: string;
  readonly s3AccessKeyId?: string | undefined;
  readonly s3SecretAccessKey?: string | undefined;
  readonly s3ForcePathStyle: boolean;
}

/** How a client reaches Kafka and S3. */
export interface StackEndpoints extends S3Access {
  /** Comma-separated `host:port`. */
  readonly kafkaBrokers: string;
}

/** The endpoints under the environment names that every part of the project reads; what is left to AWS has no name. */
export function endpointsAsEnv(endpoints: StackEndpoints): Record<string, string> {
  const { s3Endpoint, s3AccessKeyId, s3SecretAccessKey } = endpoints;
  return {
    KAFKA_BROKERS: endpoints.kafkaBrokers,
    ...(s3Endpoint && { S3_ENDPOINT: s3Endpoint }),
    S3_REGION: endpoints.s3Region,
    ...(s3AccessKeyId && { S3_ACCESS_KEY_ID: s3AccessKeyId }),
    ...(s3SecretAccessKey && { S3_SECRET_ACCESS_KEY: s3SecretAccessKey }),
    S3_FORCE_PATH_STYLE: String(endpoints.s3ForcePathStyle),
  };
}

/**
 * The endpoints that the environment names, or undefined when it names no Kafka. S3 is AWS unless it says otherwise, as
 * for the services.
 *
 * @throws invalid-config when `S3_ENDPOINT` is set without `KAFKA_BROKERS`, since half of one stack and half of another
 * is most likely a mistake; and when a value is missing or malformed.
 */
export function endpointsFromEnv(env: Environment): StackEndpoints | undefined {
  const { KAFKA_BROKERS: kafkaBrokers, S3_ENDPOINT: s3Endpoint } = env;
  if (kafkaBrokers) return { kafkaBrokers, ...readS3Access(env) };
  if (!s3Endpoint) return undefined;
  const message =
    "S3_ENDPOINT is set but KAFKA_BROKERS is not; set both for a stack of your own, neither for the local one";
  throw new FruitstreamError("invalid-config", message);
}

/**
 * The S3 that the environment names by any of its variables or, AWS, by naming a Kafka; else undefined.
 *
 * @throws invalid-config when a value is missing or malformed.
 */
export function s3AccessFromEnv(env: Environment): S3Access | undefined {
  const isNamed = ["KAFKA_BROKERS", ...Object.keys(s3Config)].some((name) => env[name]);
  return isNamed ? readS3Access(env) : undefined;
}

/** AWS's own S3, with the credentials of its default chain. */
export function awsS3Access(): S3Access {
  return readS3Access({});
}

function readS3Access(env: Environment): S3Access {
  const options = s3OptionsOf(readConfig(s3Config, env, "S3_ENDPOINT"));
  return {
    s3Endpoint: options.endpoint,
    s3Region: options.region,
    s3AccessKeyId: options.accessKeyId,
    s3SecretAccessKey: options.secretAccessKey,
    s3ForcePathStyle: options.forcePathStyle,
  };
}
