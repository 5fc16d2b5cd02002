import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Readable } from "node:stream";
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ByteRange, GetOptions, ObjectLocation, ObjectStore, ObjectSummary, PutOptions } from "../object-store.ts";
import { retryConflicts } from "./conflict-retry.ts";
import { readBody } from "./read-body.ts";
import { openDirectGet } from "./s3-direct-get.ts";
import { orUndefined, type S3Target, toStoreError } from "./s3-error.ts";
import { isKey, keyDecoderOf, requireKey } from "./s3-key.ts";
import type { S3Limits, S3Options } from "./s3-options.ts";
import { deleteVersionCommand, listS3Versions } from "./s3-versions.ts";

export const DEFAULT_S3_LIMITS: S3Limits = {
  socketsMax: 128,
  connectMsMax: 10_000,
  idleMsMax: 20_000,
  operationMsMax: 120_000,
};

/** The SDK repeats once, at once, for the connection that a server closed while it lay idle; callers retry by fate. */
const ATTEMPTS_MAX = 2;
const LIST_PAGE_KEYS_MAX = 1000;

/** The adapter to S3 and what speaks its protocol (S3Proxy, versitygw). Only it and its direct reader import the S3 client. */
export function openS3ObjectStore(
  options: S3Options,
  limits: S3Limits = DEFAULT_S3_LIMITS,
  clock: Clock = systemClock,
): ObjectStore {
  const agentOptions = { keepAlive: true, maxSockets: limits.socketsMax };
  const agents = { httpAgent: new HttpAgent(agentOptions), httpsAgent: new HttpsAgent(agentOptions) };
  const client = openClient(options, limits, agents);
  const direct = openDirectGet(client, limits);
  const endpoint = withoutUserInfo(options.endpoint ?? `AWS ${options.region}`);

  function call<T>(
    target: Omit<S3Target, "endpoint">,
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ) {
    return withinDeadline(work, { ...target, endpoint }, limits.operationMsMax, signal);
  }

  /** Undefined where the object has no such range, as an empty one has none. */
  function sendForRange({ bucket, key }: ObjectLocation, { start, end }: ByteRange, abortSignal: AbortSignal) {
    requireKey(key);
    const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${start}-${end - 1}` });
    return orUndefined(416, client.send(command, { abortSignal }));
  }

  async function* list(bucket: string, prefix: string, { startAfter }: { startAfter?: string } = {}) {
    let place: ListPlace | undefined = startAfter ? { StartAfter: startAfter } : {};
    while (place) {
      const input = { Bucket: bucket, Prefix: prefix, MaxKeys: LIST_PAGE_KEYS_MAX, ...place };
      // Keys may hold what XML can't.
      const command = new ListObjectsV2Command({ ...input, EncodingType: "url" });
      const page: ListObjectsV2CommandOutput = await call({ bucket }, (abortSignal) =>
        client.send(command, { abortSignal }),
      );
      const decodeKey = keyDecoderOf(page.EncodingType);
      for (const { Key = "", Size, ETag, LastModified } of page.Contents ?? []) {
        yield summary(decodeKey(Key), Size, ETag, LastModified);
      }
      place = page.NextContinuationToken ? { ContinuationToken: page.NextContinuationToken } : undefined;
    }
  }

  return {
    async get({ bucket, key }, getOptions: GetOptions) {
      const { bytesMax, ifMatch, signal } = getOptions;
      return await call(
        { bucket, key, isRead: true },
        async (abortSignal) => {
          requireKey(key);
          const object = await direct.get({ bucket, key }, getOptions, abortSignal).catch(() => undefined);
          if (object) return object;
          abortSignal.throwIfAborted();
          const condition = ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` };
          const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...condition });
          const reply = await client.send(command, { abortSignal });
          const bytes = await readBody(reply.Body as Readable, reply.ContentLength, bytesMax);
          return { bytes, etag: unquote(reply.ETag) };
        },
        signal,
      );
    },

    async getStart(location, bytesMax) {
      return await call({ ...location, isRead: true }, async (abortSignal) => {
        const reply = await sendForRange(location, { start: 0, end: bytesMax }, abortSignal);
        if (reply === undefined) return { bytes: new Uint8Array(0), contentType: undefined };
        const bytes = await readBody(reply.Body as Readable, reply.ContentLength, bytesMax);
        return { bytes, contentType: reply.ContentType };
      });
    },

    async getRange(location, { start, end }) {
      return await call({ ...location, isRead: true }, async (abortSignal) => {
        const reply = await sendForRange(location, { start, end }, abortSignal);
        if (reply === undefined) return new Uint8Array(0);
        const bytes = await readBody(reply.Body as Readable, reply.ContentLength, Number.POSITIVE_INFINITY);
        // A server that knows no ranges sends all of it.
        return reply.ContentRange === undefined ? bytes.subarray(start, end) : bytes;
      });
    },

    async head({ bucket, key }) {
      if (!isKey(key)) return undefined;
      return await call({ bucket, key }, async (abortSignal) => {
        const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
        const reply = await orUndefined(404, client.send(command, { abortSignal }));
        return reply && summary(key, reply.ContentLength, reply.ETag, reply.LastModified);
      });
    },

    async put(location, body, putOptions = {}) {
      return await call(location, async (abortSignal) => {
        requireKey(location.key);
        const reply = await client.send(putCommand(location, body, putOptions), { abortSignal });
        return { etag: unquote(reply.ETag) };
      });
    },

    async putIfAbsent(location, body, putOptions = {}) {
      return await call(location, async (abortSignal) => {
        requireKey(location.key);
        const command = putCommand(location, body, putOptions, { IfNoneMatch: "*" });
        const send = () => orUndefined(412, client.send(command, { abortSignal }));
        return (await retryConflicts(location, clock, abortSignal, send)) !== undefined;
      });
    },

    list,

    async delete({ bucket, key }) {
      if (!isKey(key)) return;
      await call({ bucket, key }, async (abortSignal) => {
        await orUndefined(404, client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }));
      });
    },

    async *listVersions(bucket, prefix) {
      const found = yield* listS3Versions(client, (work) => call({ bucket }, work), { bucket, prefix });
      if (found === "listed") return;
      for await (const { key, modifiedAtMs } of list(bucket, prefix)) yield { key, versionId: undefined, modifiedAtMs };
    },

    async deleteVersion(bucket, version) {
      if (!isKey(version.key)) return;
      await call({ bucket, key: version.key }, async (abortSignal) => {
        await orUndefined(404, client.send(deleteVersionCommand(bucket, version), { abortSignal }));
      });
    },

    async ensureBucket(bucket) {
      await call({ bucket }, async (abortSignal) => {
        const isThere = () => orUndefined(404, client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal }));
        if (await isThere()) return;
        const place =
          options.region === "us-east-1"
            ? {}
            : { CreateBucketConfiguration: { LocationConstraint: options.region as BucketLocationConstraint } };
        await orUndefined(409, client.send(new CreateBucketCommand({ Bucket: bucket, ...place }), { abortSignal }));
        // After a 409 the bucket is another creator's of this account, which is fine, or another account's.
        if (!(await isThere())) {
          throw new FruitstreamError("store-unavailable", `bucket ${bucket} is being created; ask again`);
        }
      });
    },

    close() {
      client.destroy();
      direct.close();
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

/** Where a page of a listing begins. */
type ListPlace = { readonly StartAfter?: string } | { readonly ContinuationToken?: string };

function openClient(
  { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle }: S3Options,
  limits: S3Limits,
  agents: { httpAgent: HttpAgent; httpsAgent: HttpsAgent },
): S3Client {
  return new S3Client({
    region,
    forcePathStyle,
    ...(endpoint ? { endpoint } : {}),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    maxAttempts: ATTEMPTS_MAX,
    // Signatures cover the body already; the SDK's own checksums are trailers that not every server reads.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // A server that never says "100 Continue" would hold up each large body for seconds.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: limits.connectMsMax, socketTimeout: limits.idleMsMax, ...agents },
  });
}

/** Runs the work under a deadline and the caller's signal; what fails comes out as a FruitstreamError. */
async function withinDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  target: S3Target,
  operationMsMax: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, operationMsMax);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await work(controller.signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!controller.signal.aborted) throw toStoreError(error, target);
    const message = `S3 at ${target.endpoint} did not finish a request within ${operationMsMax} ms`;
    throw new FruitstreamError("store-unavailable", message, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function putCommand(
  { bucket, key }: ObjectLocation,
  body: Uint8Array,
  { contentType }: PutOptions,
  condition: { IfNoneMatch?: string } = {},
): PutObjectCommand {
  const type = contentType === undefined ? {} : { ContentType: contentType };
  return new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: body,
    ContentLength: body.byteLength,
    ...type,
    ...condition,
  });
}

function summary(
  key: string,
  sizeBytes: number | undefined,
  etag: string | undefined,
  modifiedAt: Date | undefined,
): ObjectSummary {
  return { key, sizeBytes: sizeBytes ?? 0, etag: unquote(etag), modifiedAtMs: modifiedAt?.getTime() ?? 0 };
}

function unquote(etag = ""): string {
  return etag.replace(/^"(.*)"$/, "$1");
}

/** Endpoints appear in messages; a name and password before the host must not. */
function withoutUserInfo(endpoint: string): string {
  return endpoint.replace(/\/\/[^/@]*@/, "//");
}
