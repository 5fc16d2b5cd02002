import { createHash } from "node:crypto";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatS3Uri, type ObjectLocation, type ObjectStore, type ObjectSummary } from "#lib/store/object-store.ts";

/**
 * An object store in memory that passes the contract suite. Its methods are own properties, so that a test may replace
 * some of them: `{ ...createMemoryObjectStore(["bucket"]), putIfAbsent: … }`.
 *
 * @param bucketNames buckets that exist from the start.
 */
export function createMemoryObjectStore(bucketNames: readonly string[] = []): ObjectStore {
  const buckets = new Map(bucketNames.map((name) => [name, new Map<string, MemoryObject>()]));

  const bucketOf = (name: string) => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new FruitstreamError("invalid-config", `there is no bucket ${name}`);
    return bucket;
  };

  const write = ({ bucket, key }: ObjectLocation, body: Uint8Array, contentType: string | undefined) => {
    const bytes = Uint8Array.from(body);
    const etag = createHash("md5").update(bytes).digest("hex");
    const summary = { key, sizeBytes: bytes.byteLength, etag, modifiedAtMs: Date.now() };
    bucketOf(bucket).set(key, { bytes, summary, contentType });
    return { etag };
  };

  return {
    async get(location, { bytesMax, ifMatch, signal }) {
      signal?.throwIfAborted();
      const uri = formatS3Uri(location);
      const object = bucketOf(location.bucket).get(location.key);
      if (object === undefined) throw new FruitstreamError("not-found", `${uri} does not exist`);
      const { etag, sizeBytes } = object.summary;
      if (ifMatch !== undefined && ifMatch !== etag) {
        throw new FruitstreamError("etag-changed", `${uri} must have the etag ${ifMatch}, got ${etag}`);
      }
      if (sizeBytes > bytesMax) {
        throw new FruitstreamError("too-large", `${uri} must have at most ${bytesMax} bytes, got ${sizeBytes}`);
      }
      return { bytes: Uint8Array.from(object.bytes), etag };
    },

    async getStart(location, bytesMax) {
      const object = bucketOf(location.bucket).get(location.key);
      if (object === undefined) throw new FruitstreamError("not-found", `${formatS3Uri(location)} does not exist`);
      return { bytes: object.bytes.slice(0, bytesMax), contentType: object.contentType };
    },

    async getRange(location, { start, end }) {
      const object = bucketOf(location.bucket).get(location.key);
      if (object === undefined) throw new FruitstreamError("not-found", `${formatS3Uri(location)} does not exist`);
      return Uint8Array.from(object.bytes.subarray(start, end));
    },

    async head({ bucket, key }) {
      return buckets.get(bucket)?.get(key)?.summary;
    },

    async put(location, body, { contentType } = {}) {
      return write(location, body, contentType);
    },

    async putIfAbsent(location, body, { contentType } = {}) {
      if (bucketOf(location.bucket).has(location.key)) return false;
      write(location, body, contentType);
      return true;
    },

    async *list(bucket, prefix, { startAfter } = {}) {
      const keys = [...bucketOf(bucket).keys()]
        .filter((key) => key.startsWith(prefix))
        .filter((key) => startAfter === undefined || compareUtf8(key, startAfter) > 0)
        .sort(compareUtf8);
      for (const key of keys) {
        const object = bucketOf(bucket).get(key);
        if (object !== undefined) yield object.summary;
      }
    },

    async delete({ bucket, key }) {
      bucketOf(bucket).delete(key);
    },

    async *listVersions(bucket, prefix) {
      for (const { summary } of [...bucketOf(bucket).values()]) {
        const { key, modifiedAtMs } = summary;
        if (key.startsWith(prefix)) yield { key, versionId: undefined, modifiedAtMs };
      }
    },

    async deleteVersion(bucket, { key }) {
      bucketOf(bucket).delete(key);
    },

    async ensureBucket(bucket) {
      if (!buckets.has(bucket)) buckets.set(bucket, new Map());
    },

    close() {},
  };
}

interface MemoryObject {
  readonly bytes: Uint8Array;
  readonly summary: ObjectSummary;
  readonly contentType: string | undefined;
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
