import type { NewRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import type { RetryPolicy } from "#lib/runtime/retry.ts";

/** A photo that rests on S3 and is to be made known. */
export type StoredPhoto = Omit<PhotoArrived, "ingestedAtMs">;

/** Appends records to the topic of photos, in order; rejects when that could not be done. */
export type AppendPhotos = (records: readonly NewRecord[]) => Promise<void>;

/** Backoff of what ingest repeats by itself. S3 asks for seconds, not minutes, when it throttles. */
export const RETRY_POLICY: RetryPolicy = { delayMsFirst: 200, delayMsMax: 10_000 };

/** Records of one append: large enough that its round trip does not count, small enough for one request to a broker. */
const BATCH_PHOTOS_MAX = 1000;

/**
 * Announces photos on the topic, many in one append: whatever was asked for while an append was under way makes up the
 * next one, so an announcement waits for no timer and a busy source fills its batches by itself. One append at a time,
 * and when one fails everything behind it fails too: photos are acknowledged in the order they were given, without a
 * gap. The queue is as long as the callers have photos pending; they bound that.
 */
export class PhotoAnnouncer {
  readonly #append: AppendPhotos;
  readonly #clock: Clock;
  #waiting: Announcement[] = [];
  #appending = false;

  constructor(append: AppendPhotos, clock: Clock) {
    this.#append = append;
    this.#clock = clock;
  }

  /**
   * Resolves once every in-sync replica has the photo's message. When it rejects, the message may be there all the
   * same: announcing again may announce twice.
   */
  announce(photo: StoredPhoto): Promise<void> {
    const record = toRecord(photo, this.#clock.nowMs());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ record, resolve, reject });
    if (!this.#appending) void this.#appendAll();
    return promise;
  }

  async #appendAll(): Promise<void> {
    this.#appending = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH_PHOTOS_MAX);
      this.#waiting = this.#waiting.slice(BATCH_PHOTOS_MAX);
      try {
        await this.#append(batch.map(({ record }) => record));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#appending = false;
  }
}

interface Announcement {
  readonly record: NewRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Keyed by the S3 key and without a partition: the producer takes the key's hash, so a key stays on its partition. */
function toRecord(photo: StoredPhoto, ingestedAtMs: number): NewRecord {
  return { key: Buffer.from(photo.key), value: photoArrivedCodec.encode({ ...photo, ingestedAtMs }) };
}
