import { z } from "zod";
import { type ConfigOf, httpUrl, setting, someText } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { S3Options } from "./s3-options.ts";

/** The environment variables that say how to reach S3. Part of every service's configuration. */
export const s3Config = {
  s3Endpoint: setting(
    "S3_ENDPOINT",
    httpUrl.optional().describe("URL of an S3 server; without it, AWS's own for the region"),
  ),
  s3Region: setting("S3_REGION", someText.default("us-east-1").describe("region that requests are signed for")),
  s3AccessKeyId: setting(
    "S3_ACCESS_KEY_ID",
    someText.optional().describe("access key; without it, AWS's default credential chain"),
  ),
  s3SecretAccessKey: setting("S3_SECRET_ACCESS_KEY", someText.optional().describe("secret of the access key")),
  s3ForcePathStyle: setting(
    "S3_FORCE_PATH_STYLE",
    z
      .stringbool({ error: "must be true or false" })
      .default(false)
      .describe("true puts the bucket into the path instead of the host name, as most S3 servers need"),
  ),
};

/**
 * The S3 part of a service's configuration, as the adapter takes it.
 *
 * @throws invalid-config when only one of key and secret is set: AWS's default chain would be asked instead, unnoticed.
 */
export function s3OptionsOf(config: ConfigOf<typeof s3Config>): S3Options {
  if ((config.s3AccessKeyId === undefined) !== (config.s3SecretAccessKey === undefined)) {
    const missing = config.s3AccessKeyId === undefined ? "S3_ACCESS_KEY_ID" : "S3_SECRET_ACCESS_KEY";
    const message = `${missing} is not set but its other half is; set both, or neither for AWS's default credentials`;
    throw new FruitstreamError("invalid-config", message);
  }
  return {
    endpoint: config.s3Endpoint,
    region: config.s3Region,
    accessKeyId: config.s3AccessKeyId,
    secretAccessKey: config.s3SecretAccessKey,
    forcePathStyle: config.s3ForcePathStyle,
  };
}
