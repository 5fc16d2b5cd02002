import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { compareKeys, formatS3Uri, type ObjectStore, type ObjectSummary } from "#lib/store/object-store.ts";

/** What was asked of a store since the counts were last set back. */
export interface StoreCounts {
  requests: number;
  bytesRead: number;
  bytesWritten: number;
}

/** Keys of a page of a listing, each of which is a request. */
const PAGE_KEYS = 1_000;

/**
 * A store in memory whose objects are as old as a clock of the caller's says, and that counts its requests: a year of a table
 * passes in minutes. Objects share the bytes that they were put with, so that many alike take no memory.
 */
export class AgedStore implements ObjectStore {
  readonly counts: StoreCounts = { requests: 0, bytesRead: 0, bytesWritten: 0 };
  readonly #clock: Clock;
  readonly #objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAtMs: number }>();
  /** Ascending, once somebody has listed. */
  #keys: string[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Objects whose key holds the text, and their bytes together. */
  total(part: string): { objects: number; bytes: number } {
    const found = [...this.#objects].filter(([key]) => key.includes(part));
    return { objects: found.length, bytes: found.reduce((sum, [, { bytes }]) => sum + bytes.byteLength, 0) };
  }

  async get(location: { bucket: string; key: string }) {
    return { bytes: this.#read(location, 0, Number.POSITIVE_INFINITY), etag: "" };
  }

  async getStart(location: { bucket: string; key: string }, bytesMax: number) {
    return { bytes: this.#read(location, 0, bytesMax), contentType: undefined };
  }

  async getRange(location: { bucket: string; key: string }, { start, end }: { start: number; end: number }) {
    return this.#read(location, start, end);
  }

  async head({ key }: { key: string }): Promise<ObjectSummary | undefined> {
    this.counts.requests += 1;
    return this.#objects.has(key) ? this.#summary(key) : undefined;
  }

  async put({ key }: { key: string }, body: Uint8Array) {
    this.counts.requests += 1;
    this.counts.bytesWritten += body.byteLength;
    if (!this.#objects.has(key)) this.#keys = undefined;
    this.#objects.set(key, { bytes: body, modifiedAtMs: this.#clock.nowMs() });
    return { etag: "" };
  }

  async putIfAbsent(location: { bucket: string; key: string }, body: Uint8Array): Promise<boolean> {
    if (this.#objects.has(location.key)) return false;
    await this.put(location, body);
    return true;
  }

  async *list(_bucket: string, prefix: string, { startAfter = "" }: { startAfter?: string } = {}) {
    this.#keys ??= [...this.#objects.keys()].sort(compareKeys);
    const keys = this.#keys.filter((key) => key.startsWith(prefix) && compareKeys(key, startAfter) > 0);
    this.counts.requests += Math.max(1, Math.ceil(keys.length / PAGE_KEYS));
    for (const key of keys) if (this.#objects.has(key)) yield this.#summary(key);
  }

  async delete({ key }: { key: string }): Promise<void> {
    this.counts.requests += 1;
    if (this.#objects.delete(key)) this.#keys = undefined;
  }

  async *listVersions(bucket: string, prefix: string) {
    for await (const { key, modifiedAtMs } of this.list(bucket, prefix))
      yield { key, versionId: undefined, modifiedAtMs };
  }

  deleteVersion(_bucket: string, version: { readonly key: string }): Promise<void> {
    return this.delete(version);
  }

  async ensureBucket(): Promise<void> {}

  close(): void {}

  #summary(key: string): ObjectSummary {
    const { bytes, modifiedAtMs } = this.#objects.get(key)!;
    return { key, sizeBytes: bytes.byteLength, etag: "", modifiedAtMs };
  }

  #read(location: { bucket: string; key: string }, start: number, end: number): Uint8Array {
    this.counts.requests += 1;
    const object = this.#objects.get(location.key);
    if (!object) throw new FruitstreamError("not-found", `${formatS3Uri(location)} does not exist`);
    const bytes = object.bytes.subarray(start, end);
    this.counts.bytesRead += bytes.byteLength;
    return bytes;
  }
}
