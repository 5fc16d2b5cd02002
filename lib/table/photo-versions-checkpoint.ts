import { randomUUID } from "node:crypto";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { openSealed, sealBytes } from "#lib/runtime/sealed-bytes.ts";
import { mayHaveCommit } from "./delta/commit-chain.ts";
import { digits } from "./delta/delta-log.ts";
import { PhotoVersionSet, SLOT_BYTES } from "./photo-version-set.ts";
import { SIDE_FOLDER, type TableAccess, tableObject } from "./table-location.ts";

/** A features partition of a table, and how many there are: they decide together which source partitions are its own. */
export interface FeaturesPartition {
  /** The table's own, so that what lies beside a table that was removed says nothing of its successor. */
  readonly tableId: string;
  readonly partition: number;
  readonly partitions: number;
  /** See `PhotoVersionsOptions`. */
  readonly sharedBy: number;
}

/** The photo versions of a features partition in all versions of the table up to this one. */
export interface PhotoVersionsCheckpoint {
  readonly tableVersion: number;
  /** The `txnId` of that version, where it is known: the log may have another commit there by now. */
  readonly commitId?: string | undefined;
  readonly versions: PhotoVersionSet;
}

/** `FSPHVER` and the format's version. */
const MAGIC = Buffer.from("FSPHVER1", "latin1");
/** A second one is kept in case the newest is damaged. */
const CHECKPOINTS_KEPT = 2;
/** A million photo versions are 20 MB: servers that bound a request's size, S3Proxy at 128 MiB, take it. */
const PART_COUNT_MAX = 1_000_000;
const PART_BYTES_MAX = PART_COUNT_MAX * SLOT_BYTES + 65_536;

interface Header extends FeaturesPartition {
  readonly tableVersion: number;
  readonly commitId?: string | undefined;
  /** In this part. */
  readonly count: number;
}

/**
 * Writes a checkpoint, in parts, and removes those that are no longer needed. A checkpoint of which parts are missing is
 * none. Memory: that of one part.
 */
export async function writePhotoVersions(
  access: TableAccess,
  of: FeaturesPartition,
  { tableVersion, commitId, versions }: PhotoVersionsCheckpoint,
  partCountMax = PART_COUNT_MAX,
): Promise<void> {
  const { store, location } = access;
  const parts = Math.max(1, Math.ceil(versions.count / partCountMax));
  // Several may write the same version, each in an order of its own.
  const name = `${digits(tableVersion)}-${randomUUID().slice(0, 8)}`;
  let part = 0;
  for (const body of versions.encode(partCountMax)) {
    const header: Header = { ...of, tableVersion, commitId, count: body.byteLength / SLOT_BYTES };
    const bytes = sealBytes(MAGIC, header, [body]);
    await store.put(tableObject(location, `${folderOf(of)}${name}-${++part}-of-${parts}.versions`), bytes);
  }
  const checkpoints = await listCheckpoints(access, of);
  const oldestKept = checkpoints.filter(({ isWhole }) => isWhole).at(-CHECKPOINTS_KEPT);
  const old = checkpoints.slice(0, oldestKept ? checkpoints.indexOf(oldestKept) : 0);
  for (const key of old.flatMap(({ keys }) => keys)) await store.delete({ bucket: location.bucket, key });
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
  for (const { tableVersion, keys, isWhole } of (await listCheckpoints(access, of)).reverse()) {
    if (tableVersion > tableVersionMax || !isWhole) continue;
    const found = await readParts(access, of, keys, countMax);
    if (found && (await mayHaveCommit(access, tableVersion, found.commitId))) return { tableVersion, ...found };
  }
  return undefined;
}

/** Undefined when a part can't be used. */
async function readParts(
  { store, location, logger }: TableAccess,
  of: FeaturesPartition,
  keys: readonly string[],
  countMax: number,
): Promise<Omit<PhotoVersionsCheckpoint, "tableVersion"> | undefined> {
  const versions = new PhotoVersionSet(countMax);
  let commitId: string | undefined;
  for (const key of keys) {
    try {
      const { bytes } = await store.get({ bucket: location.bucket, key }, { bytesMax: PART_BYTES_MAX });
      const { header, body } = decode(bytes, of);
      versions.decode(body);
      commitId = header.commitId;
    } catch (error) {
      // Not found: whoever owned the partition before has removed it after writing a newer one.
      const isUnusable = error instanceof FruitstreamError && UNUSABLE.has(error.code);
      if (!isUnusable) throw error;
      const fields = { event: "photo_versions_checkpoint_unusable", err: error, key };
      logger.warn(fields, "could not use a checkpoint of photo versions; reading more of the table instead");
      return undefined;
    }
  }
  return { versions, commitId };
}

const UNUSABLE: ReadonlySet<string> = new Set(["not-found", "too-large", "invalid-table"]);

/** The header and the photo versions of a part that is sound and of this partition. */
function decode(bytes: Uint8Array, of: FeaturesPartition): { header: Header; body: Uint8Array } {
  const sealed = openSealed(bytes, MAGIC, unusable);
  const header = withSharedBy(sealed.header as Header | null);
  for (const name of ["tableId", "partition", "partitions", "sharedBy"] as const) {
    if (header?.[name] !== of[name]) throw unusable(`its ${name} is ${header?.[name]}, not ${of[name]}`);
  }
  const { body } = sealed;
  if (body.byteLength !== header!.count * SLOT_BYTES)
    throw unusable(`it does not hold ${header!.count} photo versions`);
  return { header: header!, body };
}

/** Versions before 0.2 knew of no partitions added to the topic of photos. */
function withSharedBy(header: Header | null): Header | null {
  return header && { ...header, sharedBy: header.sharedBy ?? header.partitions };
}

function unusable(problem: string, cause?: unknown): FruitstreamError {
  return new FruitstreamError("invalid-table", `not a checkpoint of photo versions: ${problem}`, { cause });
}

interface ListedCheckpoint {
  readonly tableVersion: number;
  /** Of its parts, in any order. */
  readonly keys: readonly string[];
  readonly isWhole: boolean;
}

/** Oldest first. */
async function listCheckpoints({ store, location }: TableAccess, of: FeaturesPartition): Promise<ListedCheckpoint[]> {
  const { bucket, key: prefix } = tableObject(location, folderOf(of));
  const found = new Map<string, { tableVersion: number; parts: number; keys: string[] }>();
  for await (const { key } of store.list(bucket, prefix)) {
    const [, name, version, parts] =
      /^((\d{20})-[0-9a-f]{8})-\d+-of-(\d+)\.versions$/.exec(key.slice(prefix.length)) ?? [];
    if (name === undefined) continue;
    const checkpoint = found.get(name) ?? { tableVersion: Number(version), parts: Number(parts), keys: [] };
    checkpoint.keys.push(key);
    found.set(name, checkpoint);
  }
  return Array.from(found.values(), ({ tableVersion, parts, keys }) => ({
    tableVersion,
    keys,
    isWhole: keys.length === parts,
  }));
}

/** Relative to the table's root. */
function folderOf({ partition, partitions }: FeaturesPartition): string {
  return `${SIDE_FOLDER}/photo-versions/partitions=${partitions}/partition=${partition}/`;
}
