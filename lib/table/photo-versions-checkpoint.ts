import { createHash } from "node:crypto";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { PhotoVersionSet, SLOT_BYTES } from "./photo-version-set.ts";
import { SIDE_FOLDER, type TableAccess, tableObject } from "./table-location.ts";

/** A features partition of a table, and how many there are: they decide together which source partitions are its own. */
export interface FeaturesPartition {
  /** The table's own, so that what lies beside a table that was removed says nothing of its successor. */
  readonly tableId: string;
  readonly partition: number;
  readonly partitions: number;
}

/** The photo versions of a features partition in all versions of the table up to this one. */
export interface PhotoVersionsCheckpoint {
  readonly tableVersion: number;
  readonly versions: PhotoVersionSet;
}

/** `FSPHVER` and the format's version. */
const MAGIC = Buffer.from("FSPHVER1", "latin1");
const HEADER_LENGTH_BYTES = 4;
const DIGEST_BYTES = 32;
const VERSION_DIGITS = 20;
/** A second one is kept in case the newest is damaged. */
const CHECKPOINTS_KEPT = 2;
/** A hundred million photo versions; what is larger is not ours. */
const CHECKPOINT_BYTES_MAX = 2 * 1_073_741_824 - 1;

interface Header extends FeaturesPartition {
  readonly tableVersion: number;
  readonly count: number;
}

/** Writes a checkpoint and removes those that are no longer needed. Takes a copy of the set in memory. */
export async function writePhotoVersions(
  access: TableAccess,
  of: FeaturesPartition,
  { tableVersion, versions }: PhotoVersionsCheckpoint,
): Promise<void> {
  const { store, location } = access;
  const name = `${String(tableVersion).padStart(VERSION_DIGITS, "0")}.versions`;
  const bytes = encode({ ...of, tableVersion, count: versions.count }, versions.encode());
  await store.put(tableObject(location, folderOf(of) + name), bytes);
  const keys = await checkpointKeys(access, of);
  for (const key of keys.slice(0, -CHECKPOINTS_KEPT)) await store.delete({ bucket: location.bucket, key });
}

/**
 * The newest checkpoint that can be used, or undefined when there is none.
 *
 * @param tableVersionMax one of a later version is of a table that was restored since.
 * @param countMax of those in it the latest so many are taken.
 */
export async function readPhotoVersions(
  access: TableAccess,
  of: FeaturesPartition,
  tableVersionMax: number,
  countMax: number,
): Promise<PhotoVersionsCheckpoint | undefined> {
  const { store, location, logger } = access;
  for (const key of (await checkpointKeys(access, of)).reverse()) {
    try {
      const { bytes } = await store.get({ bucket: location.bucket, key }, { bytesMax: CHECKPOINT_BYTES_MAX });
      const { header, body } = decode(bytes, of);
      if (header.tableVersion > tableVersionMax) continue;
      return { tableVersion: header.tableVersion, versions: PhotoVersionSet.decode(body, countMax) };
    } catch (error) {
      // Not found: whoever owned the partition before has removed it after writing a newer one.
      const isUnusable =
        error instanceof FruitstreamError && (error.code === "not-found" || error.code === "invalid-table");
      if (!isUnusable) throw error;
      const fields = { event: "photo_versions_checkpoint_unusable", err: error, key };
      logger.warn(fields, "could not use a checkpoint of photo versions; reading more of the table instead");
    }
  }
  return undefined;
}

/** Magic (8), header length (4, little-endian), header (JSON), photo versions, SHA-256 of all before it (32). */
function encode(header: Header, body: Uint8Array): Uint8Array {
  const headerBytes = Buffer.from(JSON.stringify(header));
  const headerLength = Buffer.alloc(HEADER_LENGTH_BYTES);
  headerLength.writeUInt32LE(headerBytes.byteLength);
  const parts = [MAGIC, headerLength, headerBytes, body];
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return Buffer.concat([...parts, digest.digest()]);
}

/** The digest vouches that our own writer made the header, so its fields need no checks of their own. */
function decode(bytes: Uint8Array, of: FeaturesPartition): { header: Header; body: Uint8Array } {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodyEnd = all.byteLength - DIGEST_BYTES;
  const headerStart = MAGIC.byteLength + HEADER_LENGTH_BYTES;
  if (bodyEnd < headerStart || !all.subarray(0, MAGIC.byteLength).equals(MAGIC)) {
    throw unusable(`its ${bytes.byteLength} bytes don't begin with the format's magic`);
  }
  const digest = createHash("sha256").update(all.subarray(0, bodyEnd)).digest();
  if (!digest.equals(all.subarray(bodyEnd))) throw unusable("its digest differs; it is truncated or altered");
  const headerEnd = headerStart + all.readUInt32LE(MAGIC.byteLength);
  const header = JSON.parse(all.toString("utf8", headerStart, headerEnd)) as Header;
  for (const name of ["tableId", "partition", "partitions"] as const) {
    if (header[name] !== of[name]) throw unusable(`its ${name} is ${header[name]}, not ${of[name]}`);
  }
  const body = all.subarray(headerEnd, bodyEnd);
  if (body.byteLength !== header.count * SLOT_BYTES) throw unusable(`it does not hold ${header.count} photo versions`);
  return { header, body };
}

function unusable(problem: string): FruitstreamError {
  return new FruitstreamError("invalid-table", `not a checkpoint of photo versions: ${problem}`);
}

/** Oldest first. */
async function checkpointKeys({ store, location }: TableAccess, of: FeaturesPartition): Promise<string[]> {
  const { bucket, key: prefix } = tableObject(location, folderOf(of));
  const keys: string[] = [];
  for await (const { key } of store.list(bucket, prefix)) if (key.endsWith(".versions")) keys.push(key);
  return keys;
}

/** Relative to the table's root. */
function folderOf({ partition, partitions }: FeaturesPartition): string {
  return `${SIDE_FOLDER}/photo-versions/partitions=${partitions}/partition=${partition}/`;
}
