import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type RetryHooks, type RetryPolicy, retrying } from "#lib/runtime/retry.ts";
import type { ObjectStore, ObjectSummary } from "#lib/store/object-store.ts";

export interface Listing {
  readonly bucket: string;
  /** As S3 takes it, as a string: `photos` is the beginning of `photos-old/` too. */
  readonly prefix: string;
  /** Only keys after it, in the order of their UTF-8 bytes. */
  readonly startAfter?: string | undefined;
}

/**
 * Objects under a prefix, at any depth, in ascending order of their keys. Holds one page, however many there are. A
 * page that fails and may come later is asked for again, from behind the last key that was given out.
 *
 * @throws invalid-config for a missing bucket, access-denied, or the signal's reason.
 */
export async function* listObjects(
  store: ObjectStore,
  { bucket, prefix, startAfter }: Listing,
  policy: RetryPolicy,
  hooks: RetryHooks,
): AsyncGenerator<ObjectSummary> {
  let after = startAfter;
  let objects: AsyncIterator<ObjectSummary> | undefined;
  for (;;) {
    const next = await retrying(policy, hooks, async () => {
      objects ??= store.list(bucket, prefix, after === undefined ? {} : { startAfter: after })[Symbol.asyncIterator]();
      try {
        return await objects.next();
      } catch (error) {
        objects = undefined;
        throw error;
      }
    });
    if (next.done) return;
    after = next.value.key;
    yield next.value;
  }
}

/**
 * Bucket and prefix of `s3://bucket/prefix`.
 *
 * @throws usage when the text is no such address.
 */
export function parseS3Uri(text: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (bucket) return { bucket, prefix };
  throw new FruitstreamError("usage", `expected an address as s3://bucket/prefix, got ${JSON.stringify(text)}`);
}
