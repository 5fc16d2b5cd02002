import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { ObjectVersion } from "../object-store.ts";
import { orUndefined } from "./s3-error.ts";
import { keyDecoderOf } from "./s3-key.ts";

const NOT_IMPLEMENTED = 501;
const LIST_PAGE_KEYS_MAX = 1000;
/** The version of an object that was put before its bucket kept any. */
const NO_VERSION = "null";

/** Runs a request under the adapter's deadline, and turns what it throws into errors of ours. */
export type S3Call = <Result>(work: (signal: AbortSignal) => Promise<Result>) => Promise<Result>;

/**
 * The versions and markers of a bucket's objects, page by page.
 *
 * @returns undefined at the first page when the server knows no versions.
 */
export async function* listS3Versions(
  client: S3Client,
  call: S3Call,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
): AsyncGenerator<ObjectVersion, "listed" | "unknown", undefined> {
  let place: Place | undefined = {};
  while (place) {
    const input: ListObjectVersionsCommandInput = {
      ...{ Bucket: bucket, Prefix: prefix, MaxKeys: LIST_PAGE_KEYS_MAX },
      ...place,
    };
    const command = new ListObjectVersionsCommand({ ...input, EncodingType: "url" });
    const page: ListObjectVersionsCommandOutput | undefined = await call((abortSignal) =>
      orUndefined(NOT_IMPLEMENTED, client.send(command, { abortSignal })),
    );
    if (page === undefined) return "unknown";
    const decode = keyDecoderOf(page.EncodingType);
    for (const { Key = "", VersionId, LastModified } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      yield { key: decode(Key), versionId: VersionId, modifiedAtMs: LastModified?.getTime() ?? 0 };
    }
    place = nextPlace(page, decode);
  }
  return "listed";
}

type Place = Pick<ListObjectVersionsCommandInput, "KeyMarker" | "VersionIdMarker">;

/** Where the next page begins; undefined when there is none. */
function nextPlace(
  { IsTruncated, NextKeyMarker, NextVersionIdMarker }: ListObjectVersionsCommandOutput,
  decode: (key: string) => string,
): Place | undefined {
  if (!IsTruncated || NextKeyMarker === undefined) return undefined;
  const KeyMarker = decode(NextKeyMarker);
  return NextVersionIdMarker === undefined ? { KeyMarker } : { KeyMarker, VersionIdMarker: NextVersionIdMarker };
}

/** Where a bucket keeps versions, a request without one only adds a marker. */
export function deleteVersionCommand(
  bucket: string,
  { key, versionId }: Pick<ObjectVersion, "key" | "versionId">,
): DeleteObjectCommand {
  const version = versionId === undefined || versionId === NO_VERSION ? {} : { VersionId: versionId };
  return new DeleteObjectCommand({ Bucket: bucket, Key: key, ...version });
}
