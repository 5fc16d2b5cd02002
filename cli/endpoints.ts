import { FruitstreamError } from "../lib/runtime/errors.ts";
import type { ObjectStore } from "../lib/store/object-store.ts";
import { openS3ObjectStore } from "../lib/store/s3-object-store.ts";
import type { StackEndpoints } from "../stack/endpoints.ts";
import { resolveEndpoints } from "../stack/resolve-endpoints.ts";

/**
 * The stack that a command works on: the environment's, or the local one.
 *
 * @throws stack-unavailable when there is neither.
 */
export async function requireEndpoints(): Promise<StackEndpoints> {
  const endpoints = await resolveEndpoints(process.env);
  if (endpoints) return endpoints;
  const remedy = "start the local one with: npx fruitstream stack up, or set KAFKA_BROKERS and S3_ENDPOINT";
  throw new FruitstreamError("stack-unavailable", `no Kafka and S3 to work on; ${remedy}`);
}

export function openStackStore(endpoints: StackEndpoints): ObjectStore {
  return openS3ObjectStore({
    endpoint: endpoints.s3Endpoint,
    region: endpoints.s3Region,
    accessKeyId: endpoints.s3AccessKeyId,
    secretAccessKey: endpoints.s3SecretAccessKey,
    forcePathStyle: endpoints.s3ForcePathStyle,
  });
}
