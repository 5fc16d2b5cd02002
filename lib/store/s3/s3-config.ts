import { z } from "zod";
import { httpUrl } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { S3Options } from "./s3-options.ts";

/** The environment variables that say how to reach S3. Part of every service's configuration. */
export const s3Config = {
  S3_ENDPOINT: httpUrl.optional().describe("URL of an S3 server; without it, AWS's own for the region"),
  S3_REGION: z.string().min(1).default("us-east-1").describe("region that requests are signed for"),
  S3_ACCESS_KEY_ID: z.string().optional().describe("access key; without it, AWS's default credential chain"),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe("secret of the access key"),
  S3_FORCE_PATH_STYLE: z
    .stringbool({ error: "must be true or false" })
    .default(false)
    .describe("true puts the bucket into the path instead of the host name, as most S3 servers need"),
};

/**
 * The S3 part of a service's configuration, as the adapter takes it.
 *
 * @throws invalid-config when only one of key and secret is set: AWS's default chain would be asked instead, unnoticed.
 */
export function s3OptionsOf(config: z.infer<z.ZodObject<typeof s3Config>>): S3Options {
  if ((config.S3_ACCESS_KEY_ID === undefined) !== (config.S3_SECRET_ACCESS_KEY === undefined)) {
    const missing = config.S3_ACCESS_KEY_ID === undefined ? "S3_ACCESS_KEY_ID" : "S3_SECRET_ACCESS_KEY";
    const message = `${missing} is not set but its other half is; set both, or neither for AWS's default credentials`;
    throw new FruitstreamError("invalid-config", message);
  }
  return {
    endpoint: config.S3_ENDPOINT,
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
    forcePathStyle: config.S3_FORCE_PATH_STYLE,
  };
}
