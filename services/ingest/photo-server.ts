import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answerStatus } from "#lib/http/status-server.ts";
import type { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { eventTime, parseInstantMs } from "#lib/photo/event-time.ts";
import { labelOfKey } from "#lib/photo/photo-label.ts";
import { type PhotoPath, parsePhotoPath } from "#lib/photo/photo-path.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import { type ErrorCode, FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import { formatS3Uri, type ObjectStore } from "#lib/store/object-store.ts";
import type { PartWatch } from "./part-watch.ts";
import { photoTooLarge, receivePhoto } from "./receive-photo.ts";

export interface PhotoServerParts {
  readonly store: ObjectStore;
  readonly announcer: PhotoAnnouncer;
  readonly clock: Clock;
  readonly health: Health;
  readonly watches: { readonly s3: PartWatch; readonly kafka: PartWatch };
  readonly logger: Logger;
}

export interface PhotoServerOptions {
  readonly bucket: string;
  readonly photoBytesMax: number;
  /** Bodies held in memory at the same time. */
  readonly inFlightBytesMax: number;
  readonly connectionsMax: number;
  /** From a request's first byte to its last. */
  readonly requestMsMax: number;
  readonly unlabelled: RegExp;
}

/** What a client is told when it should come back. */
const RETRY_AFTER_S = 5;
/** After an early refusal the rest of the body is read and dropped for so long, else the reset connection would drop the answer. */
const LINGER_MS_MAX = 2_000;

const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = {
  usage: 400,
  "too-large": 413,
  "unsupported-format": 415,
};

/**
 * `PUT /v1/photos/{label}/{name}`: stores the body on S3 as `photos/{label}/{name}`, announces it, and answers 201 with
 * its address and etag only after Kafka has acknowledged the announcement. Every other answer means that the photo may
 * or may not be on S3 and is announced at most by chance: the client sends it again. A photo that is sent twice arrives
 * twice. Beside it the status paths `/livez`, `/readyz` and `/metrics`.
 *
 * `X-Captured-At` (ISO 8601, with zone) gives the event time; without it, or when it is implausible, the photo's own
 * EXIF does as soon as it is read, and else it is now.
 */
export function createPhotoServer(parts: PhotoServerParts, options: PhotoServerOptions): Server {
  const budget = { inFlightBytes: 0 };
  const handle = async (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    // Closing the server leaves alone the connections in use; this ends them after their last answer.
    response.once("close", () => {
      if (!server.listening) server.closeIdleConnections();
    });
    try {
      if (await answerStatus(request, response, parts.health)) return;
      const path = parsePhotoPath(request.url ?? "");
      if (!path) return answer(response, 404, { error: "there is nothing here; PUT /v1/photos/{label}/{name}" });
      if (request.method !== "PUT") {
        return answer(response, 405, { error: `photos are sent with PUT, not ${request.method}` }, { allow: "PUT" });
      }
      await withinBudget(budget, expectedBytes(request, options), options, async () => {
        if (awaitsContinue) response.writeContinue();
        answer(response, 201, await takePhoto(request, path, parts, options));
      });
    } catch (error) {
      answerFailure(error, request, response, parts);
    } finally {
      dropRest(request);
    }
  };
  const server = createServer({ requestTimeout: options.requestMsMax }, (request, response) => {
    void handle(request, response, false);
  });
  // Clients that ask before they send learn of a refusal without sending.
  server.on("checkContinue", (request, response) => void handle(request, response, true));
  server.maxConnections = options.connectionsMax;
  return server;
}

async function takePhoto(
  request: IncomingMessage,
  { label, name }: PhotoPath,
  { store, announcer, clock, watches }: PhotoServerParts,
  { bucket, photoBytesMax, unlabelled }: PhotoServerOptions,
): Promise<{ uri: string; etag: string }> {
  const { bytes, format } = await receivePhoto(request, photoBytesMax);
  const location = { bucket, key: `photos/${label}/${name}` };
  const { etag } = await watches.s3.during(store.put(location, bytes, { contentType: `image/${format}` }));
  const photo = {
    ...location,
    etag,
    sizeBytes: bytes.byteLength,
    label: labelOfKey(location.key, unlabelled),
    ...eventTime("client", parseInstantMs(headerOf(request, "x-captured-at")), clock.nowMs()),
    traceparent: traceparentOf(request),
  };
  await watches.kafka.during(announcer.announce(photo));
  metrics.ingestPhotos.inc({ intake: "http" });
  return { uri: formatS3Uri(location), etag };
}

/** What the body will take in memory: its announced length, or as much as it may have. @throws too-large. */
function expectedBytes(request: IncomingMessage, { photoBytesMax }: PhotoServerOptions): number {
  const announced = headerOf(request, "content-length");
  if (announced === undefined) return photoBytesMax;
  if (Number(announced) > photoBytesMax) throw photoTooLarge(photoBytesMax);
  return Number(announced);
}

async function withinBudget(
  budget: { inFlightBytes: number },
  bytes: number,
  { inFlightBytesMax }: PhotoServerOptions,
  work: () => Promise<void>,
): Promise<void> {
  if (budget.inFlightBytes > 0 && budget.inFlightBytes + bytes > inFlightBytesMax) {
    throw new FruitstreamError("store-unavailable", "too many uploads are under way; send the photo again later");
  }
  budget.inFlightBytes += bytes;
  try {
    await work();
  } finally {
    budget.inFlightBytes -= bytes;
  }
}

function answerFailure(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  { logger }: PhotoServerParts,
): void {
  if (request.destroyed && !request.complete)
    return void logger.debug({ event: "client_gone", err: error }, "the client went away");
  const status = statusOf(error);
  metrics.ingestRefused.inc({ status: String(status) });
  if (status === 500)
    logger.error({ event: "upload_failed", err: error, url: request.url }, "an upload failed unexpectedly");
  if (status === 503)
    logger.warn({ event: "upload_deferred", err: error, url: request.url }, "an upload was refused for now");
  // What fails inside is for our log; what the client can mend is for the client.
  const told = status < 500 && error instanceof Error ? error.message : "the photo can't be taken";
  answer(response, status, { error: told }, status === 503 ? { "retry-after": String(RETRY_AFTER_S) } : {});
}

function statusOf(error: unknown): number {
  if (fateOf(error) === "retry") return 503;
  return (error instanceof FruitstreamError && STATUS_OF_CODE[error.code]) || 500;
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(`${JSON.stringify(body)}\n`);
}

function dropRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), LINGER_MS_MAX);
  request.once("close", () => clearTimeout(timer));
  request.resume();
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00. */
function traceparentOf(request: IncomingMessage): string | null {
  const value = headerOf(request, "traceparent");
  return value && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value) ? value : null;
}
