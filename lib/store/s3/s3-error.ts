import { type ErrorCode, FruitstreamError } from "#lib/runtime/errors.ts";

/** What a failed request was about. The endpoint is shown as it is: it carries no credentials. */
export interface S3Target {
  readonly endpoint: string;
  readonly bucket: string;
  readonly key?: string;
  /** Whether one object was to be read: what is wrong with that object alone is then no reason to stop the process. */
  readonly isRead?: boolean;
}

/**
 * What the S3 client threw, as a FruitstreamError that names endpoint, bucket and key, never credentials.
 * What is neither an answer of a server nor a broken connection is returned as it is, since it is a defect of ours; but
 * for a read it is the location's or the etag's fault, which others have written, and becomes `unreadable-object`.
 */
export function toStoreError(error: unknown, target: S3Target): unknown {
  if (error instanceof FruitstreamError || !(error instanceof Error)) return error;
  const name = nameOf(error);
  const code = codeOf(name, s3StatusOf(error), error, target.isRead ?? false);
  if (code === undefined) return error;
  return new FruitstreamError(code, messageOf(code, name, error, target), { cause: withoutExchange(error) });
}

/** The HTTP status that the server answered with, or undefined when there was no answer. */
export function s3StatusOf(error: unknown): number | undefined {
  const { $metadata, $response } = error as {
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

/** The reply, or undefined when the server answered with this status. */
export async function orUndefined<T>(status: number, reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (s3StatusOf(error) === status) return undefined;
    throw error;
  }
}

/** The SDK hangs the whole exchange on its errors: signed request, socket, agent. What is kept must not keep those. */
export function withoutExchange(error: Error): Error {
  if (!("$response" in error)) return error;
  return Object.assign(new Error(error.message), { name: error.name, stack: error.stack });
}

/** Names under which servers and the SDK say that a key does not exist, or refuse a bucket or key that can't exist. */
const MISSING = new Set(["NoSuchKey", "InvalidBucketName", "InvalidURI", "KeyTooLongError"]);

/**
 * Names under which a server refuses to read one object while it serves others: it is archived, encrypted with a key
 * that only its writer has (SSE-C). Refusals on behalf of KMS are named "KMS.…", or are an AccessDenied that says so.
 */
const UNREADABLE = new Set(["InvalidObjectState", "InvalidRequest"]);

/** Names under which a server or the SDK refuses the credentials, whatever they were to open. */
const OF_CREDENTIALS = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidAccessKeyId",
  "InvalidToken",
  "SignatureDoesNotMatch",
  "TokenRefreshRequired",
  "AccountProblem",
  "AllAccessDisabled",
  "NotSignedUp",
]);

/** Whether a failure is one of credentials or of the whole account, so that no object is to blame. */
export function isOfCredentials(cause: unknown): boolean {
  return cause instanceof Error && OF_CREDENTIALS.has(cause.name);
}

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes, and what begins with ERR_TLS or ERR_SSL. */
const CERTIFICATE_CODES = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "EPROTO",
  "HOSTNAME_MISMATCH",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Answers below 500 that pass by themselves. */
const PASSING = new Set([
  "RequestTimeout",
  "SlowDown",
  "OperationAborted",
  "ConditionalRequestConflict",
  "TooManyRequests",
]);

/** https://nodejs.org/api/errors.html#common-system-errors and libuv's resolver errors. */
const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EMFILE",
  "ENFILE",
  "EADDRNOTAVAIL",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

function codeOf(name: string, status: number | undefined, error: Error, isRead: boolean): ErrorCode | undefined {
  // First, since an answer that breaks off has a status too, whatever it was going to say.
  if (isNetworkError(name, error)) return "store-unavailable";
  if (MISSING.has(name)) return "not-found";
  // A bucket that is missing, or a 404 that S3 would not give, is most likely a wrong endpoint: every photo would fail.
  if (name === "NoSuchBucket" || (status === 404 && isRead)) return "invalid-config";
  if (status === 404) return "not-found";
  // The clocks of this machine and the server differ; the client takes the server's from this answer, for the next time.
  if (name === "RequestTimeTooSkewed") return "store-unavailable";
  if (isCertificateError(error)) return "invalid-config";
  if (isRead && (UNREADABLE.has(name) || isOfKms(name, error) || status === 501)) return "unreadable-object";
  if (OF_CREDENTIALS.has(name)) return "access-denied";
  if (status === undefined) return isRead ? "unreadable-object" : undefined;
  return codeOfStatus(name, status);
}

function codeOfStatus(name: string, status: number): ErrorCode {
  if (status === 401 || status === 403) return "access-denied";
  if (status === 412) return "etag-changed";
  // What a server does not know it won't learn by being asked again.
  if (status === 501) return "invalid-config";
  if (status === 413 || name === "EntityTooLarge") return "too-large";
  // A status of 200 here is an answer that broke off or that no parser understands.
  if (status < 300 || status === 408 || status === 429 || status >= 500 || PASSING.has(name))
    return "store-unavailable";
  return "invalid-config";
}

function isCertificateError({ code = "" }: NodeJS.ErrnoException): boolean {
  return CERTIFICATE_CODES.has(code) || /^ERR_(TLS|SSL)_/.test(code);
}

function isOfKms(name: string, { message }: Error): boolean {
  return name.startsWith("KMS.") || (name === "AccessDenied" && /\bkms\b/i.test(message));
}

function isNetworkError(name: string, { code = "" }: NodeJS.ErrnoException): boolean {
  return name === "TimeoutError" || NETWORK_CODES.has(code) || code.startsWith("HPE_");
}

function messageOf(code: ErrorCode, name: string, error: Error, { endpoint, bucket, key }: S3Target): string {
  const uri = key === undefined ? `s3://${bucket}` : `s3://${bucket}/${key}`;
  const where = `${uri} at ${endpoint}`;
  switch (code) {
    case "not-found":
      return `${where} does not exist (${name})`;
    case "etag-changed":
      return `${where} no longer has the expected etag`;
    case "too-large":
      return `${where} refused the object as too large`;
    case "access-denied": {
      const isDoubtful = name === "AccessDenied" && key !== undefined;
      const doubt = isDoubtful ? "; AWS answers so for a missing key too where s3:ListBucket is not granted" : "";
      return `access to ${where} was refused (${name}); check the S3 credentials and the bucket's policy${doubt}`;
    }
    case "unreadable-object":
      return `${where} can't be read (${name}: ${error.message}); ${remedyOf(name)}`;
    case "store-unavailable":
      return `${where} can't be reached for now (${name}: ${error.message})`;
    default:
      if (s3StatusOf(error) === 501) {
        const needed = "use an S3 server that does; commits need conditional writes (If-None-Match)";
        return `${where} does not support this request (${name}: ${error.message}); ${needed}`;
      }
      return name === "NoSuchBucket"
        ? `there is no bucket ${bucket} at ${endpoint}; check the bucket's name, the S3 endpoint and path style`
        : `${where} refused the request (${name}: ${error.message}); check the S3 endpoint, its certificate, region and path style`;
  }
}

function remedyOf(name: string): string {
  switch (name) {
    case "InvalidObjectState":
      return "it is archived: restore it, then announce it again";
    case "InvalidRequest":
      return "objects encrypted with a customer's key (SSE-C) must be stored anew without";
    default:
      return "check its bucket, key, etag and encryption";
  }
}

/** The server's error code where it sent one. Answers to HEAD have no body, and so no name but their status. */
function nameOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (error.name === "Error" && code) return code;
  return error.name;
}
