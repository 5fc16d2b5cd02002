import { bucketsSetting, photosBucketSetting } from "#lib/messages/photo-buckets.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { OpsDeps } from "./ops-deps.ts";

/** The bucket that photos are stored in, by the environment. @throws invalid-config. */
export function photosBucketOf({ env }: Pick<OpsDeps, "env">): string {
  return readConfig({ bucket: photosBucketSetting }, env).bucket;
}

/**
 * Photos of a bucket that featurizers don't read become dead letters, all of them. What featurizers are told is their
 * environment's; this process knows its own, which is theirs where both are set up together.
 *
 * @throws usage when FEATURIZER_BUCKETS is set here and lacks the bucket. Without the variable, what featurizers read is
 * a guess, and a note says so.
 */
export function checkAnnouncedBucket(bucket: string, { env, note }: OpsDeps): void {
  const { buckets, photosBucket } = readConfig({ buckets: bucketsSetting, photosBucket: photosBucketSetting }, env);
  if ((buckets ?? [photosBucket]).includes(bucket)) return;
  const remedy = `set FEATURIZER_BUCKETS=${[...(buckets ?? [photosBucket]), bucket].join(",")} for every featurizer`;
  const loss = `photos of bucket "${bucket}" would be dead letters`;
  if (buckets) {
    throw new FruitstreamError("usage", `${loss}: FEATURIZER_BUCKETS is ${buckets.join(",")}; ${remedy}, and here`);
  }
  note(`${loss} unless featurizers are told of it, since by default they read "${photosBucket}" only; ${remedy}`);
}
