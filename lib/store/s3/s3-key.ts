import { FruitstreamError } from "#lib/runtime/errors.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES_MAX = 1024;

/** An empty key would address the bucket itself; for one longer than S3 allows some servers report a failure of theirs. */
export function isKey(key: string): boolean {
  const keyBytes = Buffer.byteLength(key);
  return keyBytes >= 1 && keyBytes <= KEY_BYTES_MAX;
}

export function requireKey(key: string): void {
  if (isKey(key)) return;
  const message = `no object has a key of ${Buffer.byteLength(key)} bytes; S3 allows 1 to ${KEY_BYTES_MAX}`;
  throw new FruitstreamError("not-found", message);
}

/** How the keys of a listing are to be read: servers that know no encoding leave `EncodingType` out of their reply. */
export function keyDecoderOf(encodingType: string | undefined): (key: string) => string {
  return encodingType === "url" ? decodeUrlKey : (key) => key;
}

/** AWS writes a space as "+", S3Proxy as "%20"; both write a plus sign as "%2B". */
function decodeUrlKey(key: string): string {
  return decodeURIComponent(key.replaceAll("+", " "));
}
