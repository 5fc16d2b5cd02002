/**
 * The narrow port to S3. One adapter speaks to a server; a fake in memory passes the same contract suite
 * (`test/contract/object-store.ts`).
 *
 * Every method throws a FruitstreamError: `store-unavailable` (retry) for time-outs, throttling, 5xx and broken
 * connections, `access-denied` (crash) for refused credentials, `invalid-config` (crash) for a bucket that does not
 * exist, which more often is a wrong endpoint, and what its own comment names.
 */
export interface ObjectStore {
  /**
   * Reads a whole object.
   *
   * @throws not-found when the key does not exist; etag-changed when `ifMatch` is given and differs from the object's
   * etag; too-large when the object has more than `bytesMax` bytes (its body is not read); unreadable-object when the
   * server serves others but not this one (archived, SSE-C, another region), or when bucket or etag are malformed.
   */
  get(location: ObjectLocation, options: GetOptions): Promise<StoredObject>;

  /**
   * Reads an object's first bytes, all of them where it has no more, and the content type that it was stored with, if
   * the store keeps one.
   *
   * @throws as `get` does.
   */
  getStart(location: ObjectLocation, bytesMax: number): Promise<ObjectStart>;

  /**
   * Reads a part of an object, for which the rest is not transferred: fewer bytes where the object ends before, none where
   * the range lies behind its end. For objects that are never replaced, since two parts may be of different contents.
   *
   * @throws not-found and unreadable-object as `get` does.
   */
  getRange(location: ObjectLocation, range: ByteRange): Promise<Uint8Array>;

  /** The object's summary, or undefined when the key or the bucket does not exist. */
  head(location: ObjectLocation): Promise<ObjectSummary | undefined>;

  /** Writes a whole object, replacing one that is there. Atomic: readers see all of it or nothing. */
  put(location: ObjectLocation, body: Uint8Array, options?: PutOptions): Promise<{ etag: string }>;

  /**
   * Writes the object if none exists under its key (`If-None-Match: *`). Of concurrent writers exactly one gets true.
   * When the reply to an effective write is lost, a retry gets false: callers that must know whether they won compare
   * the object's content with their own.
   */
  putIfAbsent(location: ObjectLocation, body: Uint8Array, options?: PutOptions): Promise<boolean>;

  /**
   * Objects whose key begins with `prefix`, in ascending order of the key's UTF-8 bytes, page by page, so memory stays
   * constant. With `startAfter`, only keys after it.
   */
  list(bucket: string, prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectSummary>;

  /** Removes the object; removing what is not there is no error. */
  delete(location: ObjectLocation): Promise<void>;

  /**
   * Every version of the objects whose key begins with `prefix`, those that were replaced or deleted included, and the
   * markers of deletions; where a bucket keeps no versions, its objects.
   */
  listVersions(bucket: string, prefix: string): AsyncIterable<ObjectVersion>;

  /** Removes a version for good; removing what is not there is no error. */
  deleteVersion(bucket: string, version: Pick<ObjectVersion, "key" | "versionId">): Promise<void>;

  /** Creates the bucket unless this account has it already. */
  ensureBucket(bucket: string): Promise<void>;

  /** Releases sockets. The store is not used after this. */
  close(): void;
}

export interface ObjectLocation {
  readonly bucket: string;
  readonly key: string;
}

export interface ObjectSummary {
  readonly key: string;
  readonly sizeBytes: number;
  /** Opaque; without the quotes of the HTTP header. */
  readonly etag: string;
  readonly modifiedAtMs: number;
}

/** A version of an object, or the marker of a deletion. */
export interface ObjectVersion {
  readonly key: string;
  /** Undefined where the bucket keeps no versions. */
  readonly versionId: string | undefined;
  readonly modifiedAtMs: number;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

interface ObjectStart {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

/** From the first byte to the one before `end`: at least one byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface GetOptions {
  /** Upper bound of what is read into memory, in bytes. */
  readonly bytesMax: number;
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  readonly contentType?: string;
}

/** `s3://bucket/key`, the form in which tables and rows name an object. The key is not percent-encoded. */
export function formatS3Uri({ bucket, key }: ObjectLocation): string {
  return `s3://${bucket}/${key}`;
}

/** The order in which S3 lists keys: that of their UTF-8 bytes. Strings compare by UTF-16 units, which differs past U+FFFF. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
