import type { S3Client } from "@aws-sdk/client-s3";

/** Where a bucket's objects are asked for. */
export interface S3Place {
  readonly origin: string;
  readonly protocol: string;
  readonly hostname: string;
  /** With the port, where it isn't the protocol's own. */
  readonly host: string;
  /** Ends in a slash. */
  readonly path: string;
  readonly region: string;
}

/**
 * Asks the SDK's own rules (path style or virtual host, partitions of AWS, regions) for a bucket's place. Undefined where
 * requests are to be signed in another way than plain SigV4, or where there can be no such bucket.
 */
export async function resolvePlace({ config }: S3Client, bucket: string): Promise<S3Place | undefined> {
  try {
    const region = await config.region();
    const endpoint = await config.endpoint?.();
    const { url, properties } = config.endpointProvider({
      Bucket: bucket,
      Region: region,
      ForcePathStyle: config.forcePathStyle,
      Endpoint:
        endpoint &&
        `${endpoint.protocol}//${endpoint.hostname}${endpoint.port ? `:${endpoint.port}` : ""}${endpoint.path}`,
      UseFIPS: await config.useFipsEndpoint(),
      UseDualStack: await config.useDualstackEndpoint(),
    } as Parameters<typeof config.endpointProvider>[0]);
    const [scheme] = (properties?.authSchemes ?? []) as { name: string; signingRegion?: string }[];
    if (scheme?.name !== "sigv4") return undefined;
    const { origin, protocol, hostname, host, pathname } = url;
    const path = pathname.endsWith("/") ? pathname : `${pathname}/`;
    return { origin, protocol, hostname, host, path, region: scheme.signingRegion ?? region };
  } catch {
    return undefined;
  }
}
