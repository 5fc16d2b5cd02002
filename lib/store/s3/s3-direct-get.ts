import type { S3Client } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { Agent } from "undici";
import type { GetOptions, ObjectLocation, StoredObject } from "../object-store.ts";
import type { S3Limits } from "./s3-options.ts";
import { resolvePlace, type S3Place } from "./s3-place.ts";

/** Reads small objects past the SDK's middleware. */
export interface DirectGet {
  /** The object, or undefined for whatever is not a plain success: the SDK then asks again and says what it is. */
  get(location: ObjectLocation, options: GetOptions, signal: AbortSignal): Promise<StoredObject | undefined>;
  close(): void;
}

/**
 * GetObject signed by the SDK's signer and sent by undici: 0.20 ms of CPU for each object of 5 KB, where the SDK takes
 * 0.84 ms, an eighth of a photo's inference. Endpoint, region, credentials and clock offset are the client's own.
 *
 * Answers nothing but 200, so that every failure has one classification and one policy of repetition, the SDK's; a
 * request that fails is sent once more than it would be without this.
 */
export function openDirectGet(client: S3Client, limits: S3Limits): DirectGet {
  const agent = new Agent({
    connections: limits.socketsMax,
    pipelining: 1,
    connectTimeout: limits.connectMsMax,
    headersTimeout: limits.idleMsMax,
    bodyTimeout: limits.idleMsMax,
  });
  const places = new Map<string, Promise<S3Place | undefined>>();
  const signers = new Map<string, SignatureV4>();
  const userAgent = userAgentOf(client);

  const placeOf = (bucket: string): Promise<S3Place | undefined> => {
    let place = places.get(bucket);
    if (place === undefined) {
      if (places.size >= PLACES_MAX) places.clear();
      place = resolvePlace(client, bucket);
      places.set(bucket, place);
    }
    return place;
  };
  const signerOf = ({ region }: S3Place): SignatureV4 => {
    let signer = signers.get(region);
    if (signer === undefined) {
      const { credentials, sha256 } = client.config;
      signer = new SignatureV4({ service: "s3", region, credentials, sha256, uriEscapePath: false });
      signers.set(region, signer);
    }
    return signer;
  };

  return {
    async get({ bucket, key }, { bytesMax, ifMatch }, signal) {
      const place = await placeOf(bucket);
      if (place === undefined) return undefined;
      const path = place.path + key.split("/").map(encodeSegment).join("/");
      const condition = ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` };
      const unsigned = {
        method: "GET",
        protocol: place.protocol,
        hostname: place.hostname,
        path,
        query: {},
        headers: { host: place.host, "x-amz-content-sha256": EMPTY_SHA256, ...condition },
      };
      const signingDate = new Date(Date.now() + (client.config.systemClockOffset ?? 0));
      const { headers } = await signerOf(place).sign(unsigned, { signingDate });
      const asker = { ...headers, "user-agent": await userAgent };
      const reply = await agent.request({ origin: place.origin, method: "GET", path, headers: asker, signal });
      const lengthBytes = Number(reply.headers["content-length"] ?? Number.NaN);
      const { etag } = reply.headers;
      const isPlain = reply.statusCode === 200 && lengthBytes <= bytesMax && typeof etag === "string";
      if (!isPlain) {
        reply.body.on("error", () => undefined).destroy();
        return undefined;
      }
      const bytes = await reply.body.bytes();
      return bytes.byteLength === lengthBytes ? { bytes, etag: etag.replace(/^"(.*)"$/, "$1") } : undefined;
    },
    close: () => void agent.destroy(),
  };
}

/** A service reads one or two buckets. */
const PLACES_MAX = 64;
/** SHA-256 of no bytes: a GET has no body. */
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Names the process in the server's log by its AWS_SDK_UA_APP_ID, as the SDK does. */
async function userAgentOf({ config }: S3Client): Promise<string> {
  const appId = await config.userAgentAppId();
  return appId === undefined ? "fruitstream" : `fruitstream app/${appId}`;
}

/** RFC 3986, as SigV4 wants a path: everything but unreserved characters. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
