import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ObjectLocation, ObjectStore } from "#lib/store/object-store.ts";
import type { Partitioning } from "./partitioning.ts";
import type { PhotoColumn } from "./photo-columns.ts";

/** Where a table lives: all its objects have keys that begin with `prefix/`. The prefix has no slash at either end. */
export interface TableLocation {
  readonly bucket: string;
  readonly prefix: string;
}

/** A table's place together with the means to reach it. */
export interface TableAccess {
  readonly store: ObjectStore;
  readonly location: TableLocation;
  readonly logger: Logger;
  readonly clock: Clock;
  /** What the data files hold that this process writes; PHOTO_COLUMNS where nothing else is said. */
  readonly columns?: readonly PhotoColumn[];
  /** How its rows are laid out in folders; DEFAULT_PARTITIONING where nothing else is said. */
  readonly partitioning?: Partitioning;
  /** Of how many leading columns the files' statistics tell; all where nothing else is said. */
  readonly indexedColumnsMax?: number;
}

/**
 * A folder under the table's root for objects that belong to the table without being part of it, such as PCA
 * checkpoints. Delta readers and vacuum ignore names that begin with an underscore.
 */
export const SIDE_FOLDER = "_fruitstream";

/**
 * Reads `s3://bucket/prefix`.
 *
 * @throws invalid-config when the URI has another shape; a table at a bucket's root is refused.
 */
export function parseTableUri(uri: string): TableLocation {
  const match = /^s3:\/\/([^/]+)\/+(.*?)\/*$/.exec(uri);
  const [, bucket, prefix] = match ?? [];
  if (!bucket || !prefix) {
    throw new FruitstreamError("invalid-config", `a table's URI must be like s3://bucket/prefix, got "${uri}"`);
  }
  return { bucket, prefix };
}

/** `s3://bucket/prefix`. */
export function formatTableUri({ bucket, prefix }: TableLocation): string {
  return `s3://${bucket}/${prefix}`;
}

/** The object at a path relative to the table's root. */
export function tableObject({ bucket, prefix }: TableLocation, path: string): ObjectLocation {
  return { bucket, key: `${prefix}/${path}` };
}
