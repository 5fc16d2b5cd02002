import pLimit, { type LimitFunction } from "p-limit";
import type { LogRecord } from "#lib/log/record-log.ts";
import { deadLetterOf } from "#lib/messages/dead-letter.ts";
import type { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import type { DeadLetter, PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";
import type { PhotoVector } from "#lib/model/inference/photo-model.ts";
import { readCaptureTime } from "#lib/photo/capture-time.ts";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { photoUri } from "#lib/photo/photo-uri.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import { fateOf } from "#lib/runtime/errors.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { fetchPhoto } from "./fetch-photo.ts";
import { timed } from "./measure.ts";

/** A photo's pixels, and what it says of itself beside them. */
export interface OpenedPhoto {
  readonly decoded: DecodedPhoto;
  /** A TIFF structure, as in `PhotoHeader`. */
  readonly exif: Uint8Array | undefined;
}

export interface PhotoFeaturizerDeps {
  readonly forgotten: Pick<ForgottenPhotos, "has">;
  readonly store: ObjectStore;
  readonly decode: (photo: Uint8Array) => Promise<OpenedPhoto>;
  readonly infer: (photo: DecodedPhoto, signal: AbortSignal) => Promise<PhotoVector>;
  readonly clock: Clock;
  readonly retry: WaitingRetry;
}

export interface PhotoFeaturizerOptions {
  /** Name of the run that every vector carries. */
  readonly run: string;
  /** Name and content hash of the model. */
  readonly model: string;
  readonly photoBytesMax: number;
  readonly fetchesMax: number;
}

/** What became of one photo: its vector or its dead letter, or nothing where it is forgotten. */
export interface PhotoOutcome {
  /** As announced; 0 when the record announces no photo. */
  readonly sizeBytes: number;
  readonly features?: PhotoFeatures;
  readonly deadLetter?: DeadLetter;
}

/** The way of a photo: fetched, decoded, inferred, and then a message, or a dead letter if it can never be one. */
export class PhotoFeaturizer {
  readonly #deps: PhotoFeaturizerDeps;
  readonly #options: PhotoFeaturizerOptions;
  readonly #limitFetches: LimitFunction;

  constructor(deps: PhotoFeaturizerDeps, options: PhotoFeaturizerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#limitFetches = pLimit(options.fetchesMax);
  }

  /**
   * A photo that is forgotten comes to nothing, neither vector nor letter: of a letter, too, it would be told by.
   *
   * @param photo what the record announces, or why it announces nothing.
   * @param signal ends the work: nobody wants the outcome any more.
   * @throws what is no fault of the photo, and the signal's reason.
   */
  async featurize(photo: PhotoArrived | Error, record: LogRecord, signal: AbortSignal): Promise<PhotoOutcome> {
    if (photo instanceof Error) return { sizeBytes: 0, deadLetter: this.#deadLetter(record, photo) };
    const { sizeBytes, ...carried } = photo;
    if (this.#isForgotten(photo)) return this.#forgotten(sizeBytes);
    try {
      const bytes = await this.#fetch(photo, signal);
      const { decoded, exif } = await timed("decode", () => this.#deps.decode(bytes));
      signal.throwIfAborted();
      const { features, predictions } = await timed("infer", () => this.#deps.infer(decoded, signal));
      const message: PhotoFeatures = {
        ...carried,
        ...captureTimeOf(photo, exif),
        run: this.#options.run,
        sourceTopic: record.topic,
        sourcePartition: record.partition,
        sourceOffset: record.offset,
        model: this.#options.model,
        widthPx: decoded.photoWidth,
        heightPx: decoded.photoHeight,
        featurizedAtMs: this.#deps.clock.nowMs(),
        features,
        predictions,
      };
      return { sizeBytes, features: message };
    } catch (error) {
      if (fateOf(error) !== "dead-letter") throw error;
      if (this.#isForgotten(photo)) return this.#forgotten(sizeBytes);
      return { sizeBytes, deadLetter: this.#deadLetter(record, error as Error, photo) };
    }
  }

  #isForgotten(photo: PhotoArrived): boolean {
    return this.#deps.forgotten.has(photoUri(photo), photo.ingestedAtMs);
  }

  #forgotten(sizeBytes: number): PhotoOutcome {
    metrics.featurizerForgotten.inc();
    return { sizeBytes };
  }

  #fetch(photo: PhotoArrived, signal: AbortSignal): Promise<Uint8Array> {
    const { store, retry } = this.#deps;
    // Photos that S3 keeps back wait without a place among those that are fetched.
    const attempt = () =>
      this.#limitFetches(() => timed("fetch", () => fetchPhoto(store, photo, this.#options.photoBytesMax, signal)));
    return retry.run({ part: "s3", name: "fetch", signal, attempt });
  }

  #deadLetter(record: LogRecord, error: Error, photo?: PhotoArrived): DeadLetter {
    const uri = photo ? photoUri(photo) : null;
    const traceparent = photo?.traceparent ?? null;
    return deadLetterOf(record, error, { run: this.#options.run, uri, traceparent, nowMs: this.#deps.clock.nowMs() });
  }
}

/**
 * When the photo was captured: the client's word, or the photo's own, or what it was announced with. A photo's clock is
 * held against its announcement and not against the present, so that a replay comes to the same time.
 */
function captureTimeOf(
  { capturedAtMs, capturedAtSource, ingestedAtMs }: PhotoArrived,
  exif: Uint8Array | undefined,
): Pick<PhotoFeatures, "capturedAtMs" | "capturedAtSource"> {
  const isGuess = capturedAtSource === null || capturedAtSource === "object";
  const own = isGuess ? readCaptureTime(exif, ingestedAtMs) : undefined;
  return own ? { capturedAtMs: own.ms, capturedAtSource: own.source } : { capturedAtMs, capturedAtSource };
}
