import { z } from "zod";
import { type Environment, httpUrl, readConfig } from "../lib/runtime/config.ts";
import { FruitstreamError } from "../lib/runtime/errors.ts";
import { s3Config } from "../lib/store/s3-config.ts";

/** How a client reaches Kafka and S3. */
export interface StackEndpoints {
  /** Comma-separated `host:port`. */
  readonly kafkaBrokers: string;
  readonly s3Endpoint: string;
  readonly s3Region: string;
  readonly s3AccessKeyId: string;
  readonly s3SecretAccessKey: string;
  readonly s3ForcePathStyle: boolean;
}

/** The endpoints under the environment names that every part of the project reads. */
export function endpointsAsEnv(endpoints: StackEndpoints): Record<string, string> {
  return {
    KAFKA_BROKERS: endpoints.kafkaBrokers,
    S3_ENDPOINT: endpoints.s3Endpoint,
    S3_REGION: endpoints.s3Region,
    S3_ACCESS_KEY_ID: endpoints.s3AccessKeyId,
    S3_SECRET_ACCESS_KEY: endpoints.s3SecretAccessKey,
    S3_FORCE_PATH_STYLE: String(endpoints.s3ForcePathStyle),
  };
}

/** As the services read them, but with nothing left to defaults of AWS: these name one stack and its credentials. */
const shape = {
  ...s3Config,
  KAFKA_BROKERS: z.string(),
  S3_ENDPOINT: httpUrl,
  S3_ACCESS_KEY_ID: z.string(),
  S3_SECRET_ACCESS_KEY: z.string(),
};

/**
 * The endpoints that the environment names, or undefined when it names neither Kafka nor S3.
 *
 * @throws invalid-config when only one of `KAFKA_BROKERS` and `S3_ENDPOINT` is set, since half of one stack and half of
 * another is most likely a mistake; and when a value is missing or malformed.
 */
export function endpointsFromEnv(env: Environment): StackEndpoints | undefined {
  const { KAFKA_BROKERS: brokers, S3_ENDPOINT: endpoint } = env;
  if (!brokers && !endpoint) return undefined;
  if (!brokers) throw halfSet("S3_ENDPOINT", "KAFKA_BROKERS");
  if (!endpoint) throw halfSet("KAFKA_BROKERS", "S3_ENDPOINT");

  const config = readConfig(shape, env, "S3_ENDPOINT");
  return {
    kafkaBrokers: config.KAFKA_BROKERS,
    s3Endpoint: config.S3_ENDPOINT,
    s3Region: config.S3_REGION,
    s3AccessKeyId: config.S3_ACCESS_KEY_ID,
    s3SecretAccessKey: config.S3_SECRET_ACCESS_KEY,
    s3ForcePathStyle: config.S3_FORCE_PATH_STYLE,
  };
}

function halfSet(present: string, missing: string): FruitstreamError {
  const message = `${present} is set but ${missing} is not; set both to use a stack of your own, or neither for the local one`;
  return new FruitstreamError("invalid-config", message);
}
